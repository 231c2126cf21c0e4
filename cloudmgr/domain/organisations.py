"""Names and codes of organisations over time: who is called what from when on; the check digits.

Owns the rules; the record is `parties.Organisation`, what reorganisations move `reorganisations`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.parties import DatedName, Organisation, Region, RegionLevel

_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015 leaves out I, O, S, V and Z; a character stands for its place here."""
_CREDIT_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_BUDGET_UNIT_CODE = re.compile(r"[0-9]{3,12}")
_DIVISION_CODE = re.compile(r"[0-9]{6}")

_DEPTH: Mapping[RegionLevel, int] = {
    RegionLevel.PROVINCE: 0,
    RegionLevel.CITY: 1,
    RegionLevel.COUNTY: 2,
}


def credit_check_character(first_17: str) -> str:
    """The 18th character of a social credit code: 31 less the weighted sum (powers of 3) modulo 31
    (GB 32100-2015)."""
    values = (_CREDIT_CHARACTERS.index(character) for character in first_17)
    weighted = sum(value * pow(3, place, 31) for place, value in enumerate(values))
    return _CREDIT_CHARACTERS[-weighted % 31]


def check_social_credit_code(code: str) -> None:
    """Raise `bad_value` unless the 18 characters are of the standard and the last one checks."""
    if not _CREDIT_CODE.fullmatch(code):
        raise bad_value(
            "social_credit_code",
            f"{code!r} is no 统一社会信用代码: 18 digits and capitals without I, O, S, V and Z, "
            "the third to the eighth of them digits",
        )
    if credit_check_character(code[:17]) != code[17]:
        raise bad_value(
            "social_credit_code",
            f"the last character of {code!r} does not check (GB 32100); look for a slip in the "
            "other 17",
        )


def check_budget_unit_code(code: str) -> None:
    """Raise `bad_value` unless a 预算单位编码 is 3 to 12 digits."""
    if not _BUDGET_UNIT_CODE.fullmatch(code):
        raise bad_value("budget_unit_code", f"{code!r} is no 预算单位编码: 3 to 12 digits")


def check_codes(budget_unit_code: str, social_credit_code: str) -> None:
    """Check the codes that are given; none is "not set"."""
    if budget_unit_code:
        check_budget_unit_code(budget_unit_code)
    if social_credit_code:
        check_social_credit_code(social_credit_code)


def check_region(level: RegionLevel, division_code: str, parent: Region | None) -> None:
    """Raise `bad_value` unless a region stands below a region of a higher level."""
    if division_code and not _DIVISION_CODE.fullmatch(division_code):
        raise bad_value("division_code", f"{division_code!r} is no 行政区划代码: 6 digits")
    if parent is None:
        if level is RegionLevel.COUNTY:
            raise bad_value("parent_id", "a county names the city it belongs to")
    elif _DEPTH[level] <= _DEPTH[parent.level]:
        raise bad_value("parent_id", f"a {level} cannot stand below {parent.id}, a {parent.level}")


def named_at(organisation: Organisation, moment: datetime) -> DatedName:
    """The name and codes in force at `moment`: what a paper of that instant shows."""
    held = organisation.names or (_present(organisation),)
    begun = [each for each in held if each.since is None or each.since <= moment]
    return begun[-1] if begun else held[0]


def renamed(organisation: Organisation, name: DatedName) -> Organisation:
    """With one more name in its history; what is in force changes with `in_force`.

    Raises `bad_value` unless it begins after the last name known: history is not rewritten,
    because papers show it.
    """
    history = organisation.names or (_present(organisation),)
    last = history[-1].since
    if name.since is None or (last is not None and name.since <= last):
        raise bad_value(
            "effective_from",
            f"{organisation.id} is called {history[-1].name_zh} from then on already; choose a "
            "later day",
        )
    return replace(organisation, names=(*history, name))


def in_force(organisation: Organisation, now: datetime) -> Organisation:
    """With the name and codes of `now` as its present ones."""
    name = named_at(organisation, now)
    return replace(
        organisation,
        name_zh=name.name_zh,
        name_en=name.name_en,
        budget_unit_code=name.budget_unit_code,
        social_credit_code=name.social_credit_code,
    )


def _present(organisation: Organisation) -> DatedName:
    return DatedName(
        since=None,
        name_zh=organisation.name_zh,
        name_en=organisation.name_en,
        budget_unit_code=organisation.budget_unit_code,
        social_credit_code=organisation.social_credit_code,
    )
