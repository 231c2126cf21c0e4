"""Builders of request lines outside the catalog (一事一议); every argument by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from catalog.money import unit_price
from catalog.quantity import ResourceAmount
from catalog.skus import PricingModel
from cloudmgr.domain.off_catalog import OffCatalogTerms
from cloudmgr.domain.requests import RequestLine
from cloudmgr.services.policies import policy_now
from tests.support.requests import a_line
from tests.support.supply import VCPU
from tests.support.worlds import Town


def terms(**changed: Any) -> OffCatalogTerms:
    fields: dict[str, Any] = {
        "name_zh": "量子随机数服务",
        "description": "a card that the catalog does not have",
        "reason": "the pilot needs it",
        "unit_zh": "卡",
        "unit_price": unit_price("3000.00"),
        "model": PricingModel.RECURRING,
        "standard_id": "standard",
        "pool_id": "x86",
        "contract_id": "contract-x86",
        "resources": (ResourceAmount(VCPU, 1),),
    }
    return OffCatalogTerms(**(fields | changed))


def an_agreed_line(*, line: int = 1, quantity: int = 1, **changed: Any) -> RequestLine:
    return a_line(line=line, sku_id="off-catalog", quantity=quantity, off_catalog=terms(**changed))


def one_level_higher(town: Town) -> None:
    """The head signs what is outside the catalog, however little it costs."""
    with town.reading() as world:
        policy = policy_now(world, town.now)
    chain = tuple(
        replace(step, condition=replace(step.condition, or_off_catalog=True))
        if step.id == "head"
        else step
        for step in policy.chain
    )
    town.change(policy, chain=chain)
