"""What a pool at reporting level (报送级) sends as a workbook: inventory and usage.

Owns the form and its row-exact faults. The rows then go the way of every other: inventory through
`pools.set_inventory`, readings through `usage.ingest_usage` with its batches and quarantine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from catalog.errors import CloudmgrError
from catalog.period import SHANGHAI
from catalog.quantity import ResourceClass
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.metering import METERS
from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_life import PoolReport
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.files import file_content
from cloudmgr.services.pools import SetInventory, own_pool, set_inventory
from cloudmgr.services.usage import IngestUsage, ingest_usage
from cloudmgr.services.world import World, next_id
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.reading import RowFault, Rows, SheetRow, read_rows, require_rows, sheet_names
from cloudmgr.sheets.writing import Sheet, write_book
from cloudmgr.usage.batches import Batch, batch_of

INVENTORY, USAGE, RESOURCES = "资源清单", "用量", "资源编号"
INVENTORY_COLUMNS = (
    Column(
        name="resource_class",
        title_zh="资源类",
        kind=CellKind.CHOICE,
        choices={str(each): each for each in ResourceClass},
        width=26,
    ),
    Column(name="total", title_zh="物理总量", kind=CellKind.WHOLE),
    Column(name="reserved", title_zh="预留", kind=CellKind.WHOLE, required=False),
    Column(
        name="allocation_ratio_percent",
        title_zh="超分比(%)",
        kind=CellKind.WHOLE,
        required=False,
        note="100 为不超分",
    ),
)
USAGE_COLUMNS = (
    Column(name="resource", title_zh="分配编号", width=20),
    Column(
        name="meter",
        title_zh="计量项",
        kind=CellKind.CHOICE,
        choices={
            **{meter.id: meter.id for meter in METERS},
            **{meter.label_zh: meter.id for meter in METERS},
        },
        width=24,
    ),
    Column(name="time", title_zh="采样时间", note="北京时间,如 2026-01-05 08:05", width=20),
    Column(name="value", title_zh="数值", kind=CellKind.WHOLE),
)
RESOURCE_COLUMNS = (
    Column(name="resource", title_zh="分配编号", width=20),
    Column(name="provider_resource_id", title_zh="云平台资源编号", width=36),
    Column(name="sku_id", title_zh="计费项", width=28),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitPoolReport(Command):
    """A provider reports what its pool has and what was used, as the workbook it was given.

    Either sheet may be left out. `batch_id` names the readings, as with batches sent by machines.
    """

    pool_id: str
    batch_id: str
    file_id: str


@handles(Role.PROVIDER)
def submit_pool_report(
    world: World, command: SubmitPoolReport, actor: Actor, now: datetime
) -> PoolReport:
    """All rows or none: raises `bad_rows` with every fault. Readings that cannot count are no
    fault of the form; they go to quarantine."""
    pool = own_pool(world, command.pool_id, actor)
    require_in(actor, pool.provider_id, "ResourcePool", pool.id, Role.PROVIDER)
    if pool.management_level is not ManagementLevel.REPORTING:
        raise bad_value(
            "pool_id", f"{pool.id} is managed at {pool.management_level} level and reports by API"
        )
    if not command.batch_id or not command.batch_id.replace("-", "").replace("_", "").isalnum():
        raise bad_value("batch_id", "use letters, digits, - and _")
    file, data = file_content(world, command.file_id, actor)
    names = sheet_names(data, file.name)
    if not {INVENTORY, USAGE} & set(names):
        raise bad_value("file_id", f"the workbook has neither a sheet {INVENTORY} nor {USAGE}")
    stock = _sheet(data, INVENTORY, INVENTORY_COLUMNS, names)
    used = _sheet(data, USAGE, USAGE_COLUMNS, names)
    faults: list[RowFault] = []
    readings = _readings(used, faults)
    if not stock.faults:
        faults += _state(world, pool, stock, actor, now)
    require_rows([stock, used], faults)
    batch = _ingest(world, command, readings, actor, now) if readings is not None else None
    return world.put(
        PoolReport(
            id=next_id(world, "RPT"),
            pool_id=pool.id,
            provider_id=pool.provider_id,
            file_id=file.id,
            submitted_by=actor.user_id,
            submitted_at=now,
            inventory_rows=len(stock.rows),
            usage_batch_id=batch.id if batch else None,
            sent=batch.sent if batch else 0,
            accepted=batch.accepted if batch else 0,
            quarantined=batch.quarantined if batch else 0,
        )
    )


def report_template(world: World, actor: Actor, pool: ResourcePool) -> bytes:
    """The workbook to fill in: today's inventory, an empty usage sheet, and which resources there
    are."""
    stock = [
        {column.name: getattr(each, column.name) for column in INVENTORY_COLUMNS}
        for each in world.find(Inventory, pool_id=pool.id)
    ]
    running = [
        {
            "resource": each.id,
            "provider_resource_id": each.provider_resource_id,
            "sku_id": each.sku_id,
        }
        for each in world.find(Allocation, pool_id=pool.id, state=RUNNING)
    ]
    return write_book(
        [
            Sheet(INVENTORY, INVENTORY_COLUMNS, stock),
            Sheet(USAGE, USAGE_COLUMNS, ()),
            Sheet(RESOURCES, RESOURCE_COLUMNS, running),
        ]
    )


def _sheet(data: bytes, title: str, columns: tuple[Column, ...], names: tuple[str, ...]) -> Rows:
    return read_rows(data, columns, sheet=title) if title in names else Rows()


def _state(
    world: World, pool: ResourcePool, stock: Rows, actor: Actor, now: datetime
) -> Iterator[RowFault]:
    """State each row; what a rule refuses is the fault of its row."""
    seen = set()
    for row in stock.rows:
        wanted = row.values["resource_class"]
        if wanted in seen:
            yield row.fault("资源类", f"{wanted} stands in an earlier row")
            continue
        seen.add(wanted)
        try:
            set_inventory(world, _stated(world, pool, row), actor, now)
        except CloudmgrError as error:
            yield row.fault("", error.message)


def _stated(world: World, pool: ResourcePool, row: SheetRow) -> SetInventory:
    """What a row states; what it leaves empty stays as it was."""
    id = inventory_id(pool.id, row.values["resource_class"])
    present = world.seek(Inventory, id)
    reserved, ratio = row.values["reserved"], row.values["allocation_ratio_percent"]
    if reserved is None:
        reserved = present.reserved if present else 0
    if ratio is None:
        ratio = present.allocation_ratio_percent if present else 100
    return SetInventory(
        pool_id=pool.id,
        resource_class=row.values["resource_class"],
        total=row.values["total"],
        reserved=reserved,
        allocation_ratio_percent=ratio,
        reason="reported by workbook",
    )


def _readings(used: Rows, faults: list[RowFault]) -> Batch | None:
    """The rows as a batch; None where the sheet has none."""
    columns: dict[str, list[Any]] = {"resource": [], "meter": [], "time": [], "value": []}
    for row in used.rows:
        text = row.values.get("time")
        if text is None:
            continue  # said already
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            faults.append(row.fault("采样时间", f"{text!r} is no time; write 2026-01-05 08:05"))
            continue
        moment = time if time.tzinfo else time.replace(tzinfo=SHANGHAI)
        for name, values in columns.items():
            values.append(moment if name == "time" else row.values.get(name))
    if faults or used.faults or not used.rows:
        return None
    return batch_of(
        pa.table(
            {
                "resource": pa.array(columns["resource"], pa.string()),
                "meter": pa.array(columns["meter"], pa.string()),
                "time": pa.array(columns["time"], pa.timestamp("us", tz="UTC")),
                "value": pa.array(columns["value"], pa.int64()),
            }
        )
    )


def _ingest(
    world: World, command: SubmitPoolReport, batch: Batch, actor: Actor, now: datetime
) -> UsageBatch:
    sent = IngestUsage(batch_id=command.batch_id, pool_id=command.pool_id, batch=batch)
    return ingest_usage(world, sent, actor, now)
