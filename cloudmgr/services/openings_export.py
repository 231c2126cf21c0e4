"""What a node runs, limits, budgets and has paid, as an opening's workbook: to hand a city over to
another node, or to rehearse its going live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from catalog.errors import CloudmgrError
from catalog.period import DAY, local_day
from catalog.tiers import Tiers
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.openings import (
    OpeningBudget,
    OpeningContent,
    OpeningContract,
    OpeningPayment,
    OpeningQuota,
    OpeningResource,
    OpeningSheet,
)
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.quota import Quota
from cloudmgr.services.openings_sheets import book, values_of
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import World

Row = Mapping[str, Any]


def opening_book(world: World, cut_over: datetime) -> bytes:
    """The workbook of everything that stands at `cut_over`, readable by any node that has the same
    organisations, applications, pools and catalog."""
    return book(
        {
            OpeningSheet.CONTRACTS: _rows(_contracts(world)),
            OpeningSheet.RUNNING: _rows(_running(world, cut_over)),
            OpeningSheet.QUOTAS: _rows(_quotas(world)),
            OpeningSheet.BUDGETS: _rows(_budgets(world)),
            OpeningSheet.PAYMENTS: _rows(_payments(world, cut_over)),
        }
    )


def _rows(contents: Iterator[OpeningContent]) -> Iterator[Row]:
    return (values_of(content) for content in contents)


def _contracts(world: World) -> Iterator[OpeningContract]:
    same = {each.name for each in fields(OpeningContract)} & set(Contract.__dataclass_fields__)
    for contract in world.find(Contract):
        yield OpeningContract(
            **{name: getattr(contract, name) for name in same},
            starts_on=local_day(contract.starts_at),
            ends_on=local_day(contract.ends_at - timedelta(microseconds=1)),
        )


def _running(world: World, cut_over: datetime) -> Iterator[OpeningResource]:
    numbers = {each.id: each.number for each in world.find(Contract)}
    for allocation in world.stream(Allocation, state=RUNNING):
        ends = allocation.term_end
        yield OpeningResource(
            number=allocation.provider_resource_id,
            contract_number=numbers[allocation.contract_id],
            department_id=allocation.department_id,
            application_id=allocation.application_id,
            pool_id=allocation.pool_id,
            sku_id=allocation.sku_id,
            quantity=allocation.quantity,
            tiers=_price(world, allocation, cut_over),
            quoted=False,
            estimate_units=allocation.estimate_units,
            term_ends_on=None if ends is None else local_day(ends) - DAY,
        )


def _price(world: World, allocation: Allocation, cut_over: datetime) -> Tiers:
    try:
        return price_book(world).price_at(allocation.sku_id, allocation.pool_id, cut_over).tiers
    except CloudmgrError as error:
        raise bad_value("allocations", f"{allocation.id}: {error.message}") from error


def _quotas(world: World) -> Iterator[OpeningQuota]:
    for each in world.find(Quota):
        if each.limit_units is not None:
            yield OpeningQuota(
                scope=each.scope,
                scope_id=each.scope_id,
                resource_class=each.resource_class,
                limit_units=each.limit_units,
            )


def _budgets(world: World) -> Iterator[OpeningBudget]:
    for each in world.find(Budget):
        yield OpeningBudget(
            payer_id=each.payer_id,
            department_id=each.department_id,
            year=each.year,
            approved=each.approved,
            document_number=each.document_number,
            project_code=each.project_code,
            fund_source=each.fund_source,
        )


def _payments(world: World, cut_over: datetime) -> Iterator[OpeningPayment]:
    """What contracts have settled, as one payment each of the day before, by the provider's
    region's payer."""
    policy = policy_now(world, cut_over)
    for contract in world.find(Contract):
        if not contract.settled:
            continue
        region_id = world.get(Organisation, contract.provider_id).region_id
        yield OpeningPayment(
            contract_number=contract.number,
            payer_id=policy.payer_of(region_id, contract.provider_id),
            department_id=None,
            paid_on=local_day(cut_over) - DAY,
            amount=contract.settled,
            voucher_number=f"{contract.number}/{local_day(cut_over)}",
        )
