"""The monthly resource list as a workbook and as a page to print and stamp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from catalog.period import shanghai
from cloudmgr.domain.access import Actor
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.resource_lists import ResourceList, ResourceListLine
from cloudmgr.services.policies import kind_of_policy
from cloudmgr.services.resource_lists import lines_to_see
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.printing import printed
from cloudmgr.sheets.writing import Sheet, write_book

TITLE = "云资源动态管理清单"
_NUMBER = CellKind.WHOLE

COLUMNS = (
    Column(name="pool_id", title_zh="资源池编号"),
    Column(name="pool_name", title_zh="资源池", width=28),
    Column(name="pool_kind", title_zh="类型"),
    Column(name="pool_state", title_zh="状态"),
    Column(name="resource_class", title_zh="资源类", width=24),
    Column(name="total", title_zh="物理总量", kind=_NUMBER),
    Column(name="allocation_ratio_percent", title_zh="超分比(%)", kind=_NUMBER),
    Column(name="offered", title_zh="可供总量", kind=_NUMBER),
    Column(name="allocated", title_zh="已分配", kind=_NUMBER),
    Column(name="held", title_zh="已预占", kind=_NUMBER),
    Column(name="reserved", title_zh="预留", kind=_NUMBER),
    Column(name="free", title_zh="剩余", kind=_NUMBER),
    Column(name="waterline", title_zh="预留水位", kind=_NUMBER),
    Column(name="below_waterline", title_zh="低于水位", kind=CellKind.YES_NO),
)


def list_workbook(world: World, actor: Actor, list_id: str) -> bytes:
    """The list as XLSX with the lines the actor may see; raises `not_found`."""
    found, lines = lines_to_see(world, actor, list_id)
    head = _above(world, found)
    return write_book([Sheet(f"{TITLE}{list_id}", COLUMNS, _rows(lines), above=head)])


def list_page(world: World, actor: Actor, list_id: str) -> str:
    """The list as HTML to print; raises `not_found`."""
    found, lines = lines_to_see(world, actor, list_id)
    return printed(
        f"{TITLE}({list_id})",
        COLUMNS,
        _rows(lines),
        above=_above(world, found),
        signatures=("编制单位", "审核单位"),
    )


def _rows(lines: tuple[ResourceListLine, ...]) -> Iterator[dict[str, Any]]:
    for line in lines:
        row: dict[str, Any] = {column.name: getattr(line, column.name) for column in COLUMNS}
        row["pool_state"] = ResourcePool.LIFECYCLE.labels[line.pool_state]
        yield row


def _above(world: World, found: ResourceList) -> tuple[str, ...]:
    at = shanghai(found.as_of).strftime("%Y-%m-%d %H:%M")
    mark = "(预留水位为示例参数)" if kind_of_policy(world, found.as_of) == "sample" else ""
    return (
        f"数据时点:{at}{mark}",
        f"资源池 {found.pools} 个,{found.lines} 行,低于水位 {found.below_waterline} 行",
        f"校验值 SHA-256:{found.digest}",
    )
