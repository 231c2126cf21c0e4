"""Service contracts: what is covered, for how long, up to how much. Prices live in quotes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from catalog.money import ZERO, Yuan
from catalog.period import Period
from cloudmgr.domain.errors import contract_total_exceeded, not_covered
from cloudmgr.domain.values import Value


class PriceLink(StrEnum):
    FIXED = "fixed"
    FOLLOW_CEILING = "follow_ceiling"


class BillingStart(StrEnum):
    DELIVERY = "delivery"
    TRIAL_ACCEPTED = "trial_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Value):
    """服务合同. `sku_ids` empty covers the whole catalog; `settled` counts toward `total`."""

    number: str
    name: str
    provider_id: str
    payee_id: str
    procurement_method: str
    signatories: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    total: Yuan
    price_link: PriceLink
    billing_start: BillingStart
    pool_ids: tuple[str, ...]
    sku_ids: tuple[str, ...] = ()
    settled: Yuan = ZERO
    COUNTER: ClassVar[bool] = True

    @property
    def term(self) -> Period:
        return Period(self.starts_at, self.ends_at)

    @property
    def left(self) -> Decimal:
        return self.total - self.settled

    def covers(self, pool_id: str, sku_id: str, moment: datetime) -> bool:
        return (
            self.term.contains(moment)
            and pool_id in self.pool_ids
            and (not self.sku_ids or sku_id in self.sku_ids)
        )


def require_cover(contract: Contract, pool_id: str, sku_id: str, moment: datetime) -> None:
    """Raise `not_covered` unless the contract is in force and covers the Sku in that pool."""
    if not contract.covers(pool_id, sku_id, moment):
        raise not_covered(f"{sku_id} in {pool_id} at {moment.isoformat()}", contract.id)


def settle(contract: Contract, amount: Decimal) -> Contract:
    """Count a settlement against the total, which is a hard limit; negative true-ups give back."""
    if amount > contract.left:
        raise contract_total_exceeded(contract.id, str(contract.left), str(amount))
    return replace(contract, settled=contract.settled + amount)
