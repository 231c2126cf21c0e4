"""A language of the pages: picks from `words`, and writes dates, states and names in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from catalog.period import Month, shanghai
from cloudmgr.domain.lifecycle import Lifecycle
from cloudmgr.portal.words import MONTHS_EN, STACKS, TEXTS, Text


class Lang(StrEnum):
    """A language of the pages; `tag` is what HTML calls it."""

    ZH = "zh"
    EN = "en"

    @property
    def tag(self) -> str:
        return "zh-CN" if self is Lang.ZH else "en"

    @property
    def other(self) -> Lang:
        return Lang.EN if self is Lang.ZH else Lang.ZH


class Known(Protocol):
    """A record that has names."""

    @property
    def name_zh(self) -> str: ...
    @property
    def name_en(self) -> str: ...


_WORKINGS = (
    (re.compile(r"[\d.]+ lies in [\d.]+ to [\d.]+: (?P<sum>.+?) = .+"), ""),
    (re.compile(r"(?P<score>[\d.]+) is at least (?P<floor>[\d.]+): (?P<value>.+)"), "at_least"),
    (re.compile(r"(?P<score>[\d.]+) is below (?P<floor>[\d.]+); .+"), "below"),
    (re.compile(r"no score: .+"), "no_score"),
    (re.compile(r"decided: (?P<value>[^;]+); (?P<reason>.+)", re.DOTALL), "decided"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language; `words("billed_more", count=3)`."""

    lang: Lang

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key with its fields filled in; an unknown key is a KeyError."""
        return self._pick(TEXTS[key]).format(**values)

    def link(self, path: str, lang: Lang | None = None) -> str:
        """A path of the pages that stays in this language, or goes over to another."""
        return f"{path}?lang=en" if (lang or self.lang) is Lang.EN else path

    def name(self, record: Known) -> str:
        return record.name_zh if self.lang is Lang.ZH else record.name_en

    def state(self, table: Lifecycle, state: StrEnum) -> str:
        """A state as its noun's own table calls it."""
        return table.labels[state] if self.lang is Lang.ZH else spelled(state)

    def stack(self, stack: str) -> str:
        return self._pick(STACKS.get(stack, Text(stack, stack)))

    def month(self, month: Month) -> str:
        if self.lang is Lang.ZH:
            return f"{month.year}年{month.month}月"
        return f"{MONTHS_EN[month.month - 1]} {month.year}"

    def moment(self, moment: datetime) -> str:
        """To the minute, on Shanghai's clock."""
        at = shanghai(moment)
        if self.lang is Lang.ZH:
            return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
        return f"{at.day} {MONTHS_EN[at.month - 1]} {at.year}, {at:%H:%M} (Beijing time)"

    def listed(self, parts: list[str]) -> str:
        return ("、" if self.lang is Lang.ZH else ", ").join(parts)

    def working(self, working: str) -> str:
        """How a coefficient came about (`domain.coefficients`), in this language."""
        for pattern, key in _WORKINGS:
            if found := pattern.fullmatch(working):
                if not key:
                    return found["sum"].replace(" x ", " × ").replace(" - ", " − ")
                return self(f"working_{key}", **found.groupdict())
        return working

    def _pick(self, text: Text) -> str:
        return text.zh if self.lang is Lang.ZH else text.en


def spelled(value: StrEnum) -> str:
    """An enumeration's value in English: `in_review` -> `In review`."""
    return str(value).replace("_", " ").capitalize()
