"""The rows of a ledger's sheet on their way into it: what each makes, and what is at fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from catalog.errors import CloudmgrError
from cloudmgr.domain.values import Value
from cloudmgr.services.ledgers_sheets import SHEETS
from cloudmgr.services.world import World, next_id
from cloudmgr.sheets.reading import RowFault, SheetRow, require_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerImported:
    """How many rows made a record, changed one, or said what is known already."""

    created: int
    changed: int
    unchanged: int
    checked_only: bool


@dataclass(slots=True)
class Book:
    """The rows of a file, what they make of the ledger, and their faults."""

    ledger: str
    prefix: str
    rows: list[SheetRow]
    faults: list[RowFault]
    wanted: list[tuple[Value | None, Value]] = field(default_factory=list)

    def take(self, row: SheetRow, made: Callable[[], tuple[Value | None, Value]]) -> None:
        """What one row makes, or its fault at the column it is about."""
        if len(row.values) < len(SHEETS[self.ledger].columns):
            return  # a cell of it is at fault already
        try:
            self.wanted.append(made())
        except AtColumn as error:
            self.faults.append(row.fault(self._title(error.column), str(error)))
        except CloudmgrError as error:
            column = self._title(str(error.details.get("field", "")))
            self.faults.append(row.fault(column, error.message))

    def _title(self, name: str) -> str:
        name = {"pue_hundredths": "pue", "department_id": "department"}.get(name, name)
        columns = SHEETS[self.ledger].columns
        return next((each.title_zh for each in columns if each.name == name), "")

    def put(self, world: World, check_only: bool) -> LedgerImported:
        """All of it, or nothing: raises `bad_rows` where there is a fault."""
        self.faults.sort(key=lambda each: each.row)
        require_rows([], self.faults)
        fresh = [after for before, after in self.wanted if before is None]
        changed = [after for before, after in self.wanted if before not in (None, after)]
        if not check_only:
            world.put_many(replace(each, id=next_id(world, self.prefix)) for each in fresh)
            for each in changed:
                world.put(each)
        return LedgerImported(
            created=len(fresh),
            changed=len(changed),
            unchanged=len(self.wanted) - len(fresh) - len(changed),
            checked_only=check_only,
        )


class AtColumn(Exception):
    """A fault of a row that only the whole ledger shows."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column = column
