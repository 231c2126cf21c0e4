"""Corrections of closed months: what was billed against what a fresh rating gives now.

Issued lines never change (DOMAIN.md 8). What is wrong with them is reversed, what is missing is
added, both as lines of the earliest open month that name the month they correct.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from cloudmgr.domain.lines import LineKind, LineState, RatedLine, line_amount
from cloudmgr.domain.rating import Place

_GIVEN = (LineKind.WAIVER, LineKind.DISCOUNT)
"""Kinds that people gave: no fresh rating takes them back. What the rules gave has a negative
price, and is rated anew like a charge."""


def reversal(line: RatedLine) -> RatedLine:
    """The exact negative of a line, still in its month and without a new id."""
    negative = line.fraction[1:] if line.fraction.startswith("-") else f"-{line.fraction}"
    return replace(
        line,
        version=0,
        fraction=negative,
        amount=line_amount(line.quantity, line.per_unit, negative, line.unit_price),
        corrects=line.id,
    )


def correct(
    fresh: Sequence[RatedLine],
    billed: Sequence[RatedLine],
    *,
    month: str,
    places: Mapping[str, Place],
) -> tuple[RatedLine, ...]:
    """The draft lines of open `month` that bring one allocation's closed month to `fresh`.

    `billed` are all its lines of that served month so far, earlier corrections among them; what a
    credit note gave stays given. Lines at zero price that only moved are left alone. Empty when
    the month was right.
    """
    standing = _standing(
        line for line in billed if line.credit_note_id is None and not _by_people(line)
    )
    missing = []
    for line in fresh:
        same = standing.get(_content(line))
        if same:
            same.pop()
        elif line.amount:
            missing.append(line)
    wrong = [line for lines in standing.values() for line in lines if line.amount]
    wrong.sort(key=lambda line: line.id)
    changes = [*map(reversal, wrong), *missing]
    return tuple(
        replace(
            line,
            id=f"RL-{month}/{line.allocation_id}/{line.served_month}-{number:03d}",
            month=month,
            statement_id=None,
            state=LineState.DRAFT,
            kind=_kind(line),
            payer_id=places[line.department_id].payer_id,
            region_id=places[line.department_id].region_id,
            corrects=line.corrects or _corrected(line, billed),
        )
        for number, line in enumerate(changes, start=1)
    )


def _by_people(line: RatedLine) -> bool:
    return line.kind in _GIVEN and line.unit_price >= 0


def _kind(line: RatedLine) -> LineKind:
    """A waiver stays the payer's matter when it is corrected: it lowers no gross."""
    return LineKind.WAIVER if line.kind is LineKind.WAIVER else LineKind.ADJUSTMENT


def _standing(billed: Iterable[RatedLine]) -> dict[object, list[RatedLine]]:
    """Billed lines by content that no later line reversed."""
    standing: dict[object, list[RatedLine]] = defaultdict(list)
    for line in sorted(billed, key=lambda line: line.id):
        if line.fraction.startswith("-"):
            standing[_content(line)].pop()
        else:
            standing[_content(line)].append(line)
    return standing


def _corrected(line: RatedLine, billed: Iterable[RatedLine]) -> str | None:
    """The billed line an added one stands for: the first of its Sku; None when there was none."""
    return min((each.id for each in billed if each.sku_id == line.sku_id), default=None)


def _content(line: RatedLine) -> object:
    """What two lines share when one bills what the other billed."""
    return (
        line.department_id,
        line.sku_id,
        line.start,
        line.end,
        line.quantity,
        line.per_unit,
        abs(Fraction(line.fraction)),
        line.tier_from,
        line.unit_price,
        line.contract_id,
        line.quote_id,
    )
