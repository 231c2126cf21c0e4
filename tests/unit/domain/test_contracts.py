"""Contracts: what they cover and how much of them is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.contracts import Contract, require_cover, settle
from tests.support.assessments import at
from tests.support.supply import a_contract

NOW = at("01-05 09:00")


def covers(
    contract: Contract, pool_id: str = "x86", sku_id: str = "vm", at: datetime = NOW
) -> bool:
    if contract.covers(pool_id, sku_id, at):
        require_cover(contract, pool_id, sku_id, at)
        return True
    with pytest.raises(CloudmgrError, match="not_covered"):
        require_cover(contract, pool_id, sku_id, at)
    return False


def test_a_contract_covers_its_pools_for_its_term() -> None:
    contract = a_contract()
    assert covers(contract)
    assert not covers(contract, pool_id="kunpeng")
    assert covers(contract, at=contract.starts_at)
    assert not covers(contract, at=contract.starts_at - timedelta(microseconds=1))
    assert not covers(contract, at=contract.ends_at)


def test_without_a_list_of_items_it_covers_the_whole_catalog() -> None:
    assert covers(a_contract(), sku_id="anything")
    assert covers(a_contract(sku_ids=("vm",)))
    assert not covers(a_contract(sku_ids=("vm",)), sku_id="traffic")


def test_settlements_never_exceed_the_total() -> None:
    contract = settle(a_contract(total=Decimal("100.00")), Decimal("99.99"))
    assert contract.left == Decimal("0.01")
    with pytest.raises(CloudmgrError) as refused:
        settle(contract, Decimal("0.02"))
    assert refused.value.code == "contract_total_exceeded"
    assert settle(contract, Decimal("0.01")).left == 0


def test_a_negative_true_up_gives_back() -> None:
    contract = a_contract(total=Decimal("100.00"), settled=Decimal("100.00"))
    assert settle(contract, Decimal("-30.00")).left == Decimal("30.00")
