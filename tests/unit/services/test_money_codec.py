"""Records of the money come back from JSON as they went, and refuse floats on the way."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from catalog.errors import Invalid
from cloudmgr.domain.billing import BillingPeriod, CreditNote, Statement
from cloudmgr.domain.catalogs import CatalogContent, PublishedCatalog
from cloudmgr.domain.journal import PostingSet
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.settlement import Settlement
from cloudmgr.domain.values import Value
from cloudmgr.services import codec
from cloudmgr.services.settlements import DecideCoefficient, DraftSettlements
from cloudmgr.services.statements import ObjectionDecision, ObjectToStatement, ResolveObjection
from tests.support.billing_world import (
    FINANCE,
    USER,
    a_node,
    close,
    do,
    owned,
    pass_time,
    put_score,
)
from tests.support.money import a_segment, at

KINDS: tuple[type[Value], ...] = (
    BillingPeriod,
    CatalogContent,
    CreditNote,
    PostingSet,
    PublishedCatalog,
    RatedLine,
    Settlement,
    Statement,
)


def records() -> list[Value]:
    """One or more of every kind, from a month with a credit note and a draft settlement."""
    node = a_node(owned(a_segment("2025-12-01", 2)))
    close(node)
    line = "RL-2026-01/AL-1/001"
    objection = ObjectToStatement(statement_id="ST-2026-01/dep", line_ids=(line,), reason="off")
    do(node, objection, USER, at("02-06"))
    answer: dict[str, Any] = {
        "statement_id": "ST-2026-01/dep",
        "decision": ObjectionDecision.CREDIT,
        "reason": "yes",
        "credits": [{"line_id": line, "amount": "12.30"}],
    }
    do(node, codec.load(ResolveObjection, answer), FINANCE, at("02-07"))
    close(node, "2026-02", at("03-06"))
    pass_time(node, at("03-20"))
    put_score(node, "87.53")
    do(node, DraftSettlements(cycle="2026-01"), FINANCE, at("03-20"))
    with node.reading() as world:
        return [record for kind in KINDS for record in world.find(kind)]


def test_every_record_comes_back_as_it_went() -> None:
    found = records()
    assert {type(record) for record in found} == set(KINDS)
    for record in found:
        data = json.loads(json.dumps(codec.dump(record)))
        assert codec.load(type(record), data) == record


def test_a_float_is_no_money_and_no_coefficient() -> None:
    credit = {"statement_id": "S", "decision": "credit", "reason": "r",
              "credits": [{"line_id": "L", "amount": 12.3}]}  # fmt: skip
    with pytest.raises(Invalid) as refused:
        codec.load(ResolveObjection, credit)
    assert refused.value.code == "float_money"
    decide = {"settlement_id": "S", "reason": "r", "coefficient": "19/20"}
    assert codec.load(DecideCoefficient, decide).coefficient == Fraction(19, 20)
    with pytest.raises(Invalid):
        codec.load(DecideCoefficient, decide | {"coefficient": 0.95})
