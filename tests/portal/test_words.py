"""The pages' words: both languages say the same things, and nothing is left untranslated."""

from __future__ import annotations

import re
import string
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import pytest

import cloudmgr.portal
from catalog.period import Month
from catalog.versions import ChangeKind
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.approvals import Decision, Standing
from cloudmgr.domain.attachments import AttachmentKind
from cloudmgr.domain.coefficients import coefficient, decided
from cloudmgr.domain.pools import PoolKind
from cloudmgr.domain.requests import ParallelPayer, RequestKind
from cloudmgr.portal.language import Lang, Words
from cloudmgr.portal.month_view import Outcome
from cloudmgr.portal.overview import EXPLAINED
from cloudmgr.portal.words import STACKS, TEXTS, Text
from tests.support.assessments import at

FOLDER = Path(cloudmgr.portal.__file__).parent
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WESTERN_MARKS = re.compile(r"[\u4e00-\u9fff][,:;()]|[,:;()][\u4e00-\u9fff]")
# Keys put together from an enumeration's value.
COMPOSED: dict[str, type[StrEnum] | tuple[str, ...]] = {
    "kind": RequestKind,
    "pool": PoolKind,
    "outcome": Outcome,
    "change": ChangeKind,
    "changed": ("ceiling", "retired", "availability"),
    "problem": EXPLAINED,
    "form_zone": Zone,
    "form_standing": (Standing.OVERDUE, Standing.PARENT),
    "form_decision": Decision,
    "form_paper": AttachmentKind,
    "paper_title": (RequestKind.RELEASE, RequestKind.RELOCATE),
    "paper_borne": ParallelPayer,
    "working": ("at_least", "below", "no_score", "decided"),
}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_a_text_is_there_in_both_languages_with_the_same_fields(key: str) -> None:
    text = TEXTS[key]
    assert text.zh.strip()
    assert text.en.strip()
    assert fields(text.zh) == fields(text.en)


@pytest.mark.parametrize("text", [*TEXTS.values(), *STACKS.values()])
def test_each_language_keeps_to_itself(text: Text) -> None:
    if text is not TEXTS["switch"]:
        assert not CHINESE.search(text.en)
    assert not WESTERN_MARKS.search(text.zh), "Chinese has marks of its own"


def test_every_composed_key_is_there() -> None:
    for prefix, values in COMPOSED.items():
        missing = {f"{prefix}_{value}" for value in values} - set(TEXTS)
        assert not missing


def test_every_text_is_used() -> None:
    sources = "".join(
        file.read_text(encoding="utf-8")
        for file in (*FOLDER.rglob("*.html"), *FOLDER.glob("*.py"))
        if file.name != "words.py"
    )
    composed = {f"{prefix}_{value}" for prefix, values in COMPOSED.items() for value in values}
    unused = {key for key in TEXTS if key not in composed and f'"{key}"' not in sources}
    assert not unused


def test_no_word_stands_outside_the_catalog() -> None:
    for file in FOLDER.rglob("*.html"):
        assert not CHINESE.search(file.read_text(encoding="utf-8")), file.name


def test_an_unknown_key_is_an_error_and_not_an_empty_text() -> None:
    with pytest.raises(KeyError):
        Words(Lang.ZH)("nothing of the kind")


def test_dates_are_written_as_each_language_does_on_shanghais_clock() -> None:
    moment = at("01-05 09:05")
    assert Words(Lang.ZH).moment(moment) == "2026年1月5日 09:05"
    assert Words(Lang.EN).moment(moment) == "5 January 2026, 09:05 (Beijing time)"
    assert Words(Lang.ZH).month(Month(2026, 12)) == "2026年12月"
    assert Words(Lang.EN).month(Month(2026, 12)) == "December 2026"


@pytest.mark.parametrize(
    ("working", "chinese"),
    [
        (coefficient(Decimal("85.00")).working, "0.95 + (85.00 − 75.00) / 15 × 0.05"),
        (coefficient(Decimal("75.00")).working, "0.95 + (75.00 − 75.00) / 15 × 0.05"),
        (coefficient(Decimal("94.48")).working, "94.48 分不低于 90.00 分，系数 1"),
        (coefficient(Decimal("12.00")).working, "12.00 分低于 60.00 分，暂停支付，待核定"),
        (coefficient(None).working, "没有可评的指标，暂停支付"),
        (decided(Fraction(3, 4), "限期整改").working, "经两人核定为 0.75：限期整改"),
    ],
)
def test_every_way_a_coefficient_comes_about_is_said_in_chinese(working: str, chinese: str) -> None:
    assert Words(Lang.ZH).working(working) == chinese


def test_a_working_of_another_form_is_shown_as_it_is() -> None:
    assert Words(Lang.ZH).working("by decree") == "by decree"
