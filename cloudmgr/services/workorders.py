"""The delivery list (交付清单) as a workbook: given out with the order's lines, and taken back to
close it. What closing does is `provisioning`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.files import file_content
from cloudmgr.services.provisioning import CompleteWorkOrder, complete_work_order
from cloudmgr.services.reading import read
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.reading import RowFault, read_rows, require_rows
from cloudmgr.sheets.writing import Sheet, write_book

TITLE = "交付清单"
COLUMNS = (
    Column(name="line", title_zh="申请行号", kind=CellKind.WHOLE, width=10),
    Column(name="sku_id", title_zh="计费项", required=False, width=28, note="不读取,仅供核对"),
    Column(
        name="quantity",
        title_zh="数量",
        kind=CellKind.WHOLE,
        required=False,
        width=10,
        note="不读取,仅供核对",
    ),
    Column(name="provider_resource_id", title_zh="云平台资源编号", width=36),
    Column(name="note", title_zh="备注", required=False, width=36),
)
LONGEST_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverByList(Command):
    """The provider closes a work order with its delivery list as a workbook, one row per line."""

    work_order_id: str
    file_id: str


@handles(Role.PROVIDER)
def deliver_by_list(world: World, command: DeliverByList, actor: Actor, now: datetime) -> WorkOrder:
    """All rows or none: raises `bad_rows` naming every row and column at fault."""
    order = world.get(WorkOrder, command.work_order_id)
    require_in(actor, order.provider_id, "WorkOrder", order.id, Role.PROVIDER)
    file, data = file_content(world, command.file_id, actor)
    found = read_rows(data, COLUMNS, name=file.name)
    faults: list[RowFault] = []
    seen: set[int] = set()
    for row in found.rows:
        line = row.values.get("line")
        if line is None:
            continue  # said already
        if line not in order.lines:
            faults.append(row.fault("申请行号", f"{order.id} has no line {line}"))
        elif line in seen:
            faults.append(row.fault("申请行号", f"line {line} stands in an earlier row"))
        if len(row.values.get("provider_resource_id") or "") > LONGEST_ID:
            faults.append(row.fault("云平台资源编号", f"at most {LONGEST_ID} characters"))
        seen.add(line)
    missing = [line for line in order.lines if line not in seen]
    if missing and not found.faults:
        why = f"lines {missing} of {order.id} are missing; deliver all or none"
        faults.append(RowFault(TITLE, 0, "申请行号", why))
    require_rows([found], faults)
    deliveries = tuple(
        Delivery(
            line=row.values["line"],
            provider_resource_id=row.values["provider_resource_id"],
            note=row.values["note"] or "",
        )
        for row in found.rows
    )
    complete = CompleteWorkOrder(work_order_id=order.id, deliveries=deliveries)
    return complete_work_order(world, complete, actor, now)


def delivery_template(world: World, actor: Actor, work_order_id: str) -> bytes:
    """The order's lines as a workbook to fill in; raises `not_found`."""
    order = read(world, actor, WorkOrder, work_order_id)
    request = world.get(ResourceRequest, order.request_id)
    rows = [
        {"line": line.line, "sku_id": line.sku_id, "quantity": line.quantity}
        for line in request.lines
        if line.line in order.lines
    ]
    return write_book([Sheet(TITLE, COLUMNS, rows, above=(f"{TITLE} {order.id} ({request.id})",))])
