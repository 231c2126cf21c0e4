"""Fiscal years (预算年度): what their turn has done so far, and what may be used before a budget is
approved. Whose budget takes what is `budget`; committing page by page is the services'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.money import ZERO, Yuan, round_half_away
from catalog.period import Month
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value

NAMED_AT_MOST = 100
"""How many of those left out are named; the others are counted."""


class TurnState(StrEnum):
    ALLOCATIONS = "allocations"
    REQUESTS = "requests"
    TURNED = "turned"


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYear(Value):
    """预算年度, by its number: how far its turn has come.

    At its turn everything that runs, and everything that is approved and not delivered yet, is
    committed anew. It goes by pages: `cursor` is the last id done. `left_out` counts what no
    budget covers or what has no price, `named` the first of them with the reason's code.
    """

    turned_at: datetime
    cursor: str = ""
    allocations: int = 0
    requests: int = 0
    committed: Yuan = ZERO
    left_out: int = 0
    named: tuple[str, ...] = ()
    state: TurnState = TurnState.ALLOCATIONS
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "FiscalYear",
        {
            TurnState.ALLOCATIONS: ("在用资源结转中", (TurnState.REQUESTS,)),
            TurnState.REQUESTS: ("在途申请结转中", (TurnState.TURNED,)),
            TurnState.TURNED: ("已结转", (TurnState.ALLOCATIONS,)),
        },
    )


def counted(
    year: FiscalYear, *, cursor: str, committed: Decimal, left_out: Sequence[str], **done: int
) -> FiscalYear:
    """The year after one more page; `done` adds to `allocations` or `requests`."""
    return replace(
        year,
        cursor=cursor,
        committed=year.committed + committed,
        left_out=year.left_out + len(left_out),
        named=(*year.named, *left_out)[:NAMED_AT_MOST],
        **{name: getattr(year, name) + count for name, count in done.items()},
    )


def advance_limit(approved: Decimal, billed: Decimal | None, months: int) -> Decimal:
    """What may be used of a year's first months before its budget is approved: what the same
    months of last year were billed, else (nothing known of them) their part of its budget."""
    if billed is not None:
        return max(billed, ZERO)
    return round_half_away(Fraction(approved) * Fraction(months, 12))


def first_months(year: int, count: int) -> tuple[Month, ...]:
    """The months of an advance."""
    return tuple(Month(year, number) for number in range(1, count + 1))
