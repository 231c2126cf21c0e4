"""Whom and what a workbook's rows name: people write a full name or a code, the books keep ids.

Owns finding the one record that is meant, and saying when there is none or more than one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from catalog.errors import CloudmgrError
from catalog.prices import PriceBook
from cloudmgr.domain.applications import Application
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellError


@dataclass(slots=True)
class Names:
    """The records of one kind by everything they are called: id, names, codes."""

    what: str
    ids: dict[str, set[str]] = field(default_factory=dict)

    def add(self, id: str, *called: str) -> None:
        for name in (id, *called):
            if name:
                self.ids.setdefault(name, set()).add(id)

    def find(self, text: str) -> str:
        """The id that is meant; raises `CellError`."""
        found = self.ids.get(text, set())
        if text in found:
            return text
        if not found:
            raise CellError(f"there is no {self.what} {text!r}")
        if len(found) > 1:
            raise CellError(f"{text!r} names {len(found)} of them; write the id of one")
        return next(iter(found))


@dataclass(slots=True)
class Ledger:
    """What a workbook may refer to in a node, as of the cut-over."""

    cut_over: datetime
    policy: Policy
    book: PriceBook
    organisations: dict[str, Organisation]
    applications: dict[str, Application]
    pools: dict[str, ResourcePool]
    contracts: dict[str, Contract]
    parents: dict[str, str | None]
    names: dict[str, Names]

    def payer_of(self, department_id: str) -> str:
        return self.policy.payer_of(self.organisations[department_id].region_id, department_id)


_KINDS = {
    "department": (OrganisationKind.DEPARTMENT,),
    "provider": (OrganisationKind.PROVIDER,),
    "payee": (OrganisationKind.PROVIDER, OrganisationKind.OPERATING_COMPANY),
    "payer": tuple(OrganisationKind),
}


def ledger_of(world: World, cut_over: datetime) -> Ledger:
    """Read once what thousands of rows will ask for; raises `bad_value` without a policy in force
    at the cut-over."""
    organisations = {each.id: each for each in world.find(Organisation)}
    regions = world.find(Region)
    applications = {each.id: each for each in world.find(Application)}
    pools = {each.id: each for each in world.find(ResourcePool)}
    names = {role: Names(role.replace("_", " ")) for role in _KINDS}
    for each in organisations.values():
        called = (each.name_zh, each.name_en, each.budget_unit_code, each.social_credit_code)
        for role, kinds in _KINDS.items():
            if each.kind in kinds:
                names[role].add(each.id, *called)
    names["application"] = _named("application", applications.values())
    names["pool"] = _named("pool", pools.values())
    names[str(QuotaScope.REGION)] = _named("region", regions)
    departments = (
        each for each in organisations.values() if each.kind is OrganisationKind.DEPARTMENT
    )
    parents: dict[str, str | None] = {each.id: each.parent_id for each in regions}
    parents |= {each.id: each.region_id for each in departments}
    parents |= {each.id: each.department_id for each in applications.values()}
    return Ledger(
        cut_over=cut_over,
        policy=policy_now(world, cut_over),
        book=price_book(world),
        organisations=organisations,
        applications=applications,
        pools=pools,
        contracts={each.number: each for each in world.find(Contract)},
        parents=parents,
        names=names,
    )


def application_of(ledger: Ledger, text: str, department_id: str) -> str:
    """An application of the department; raises `CellError`, also for another department's."""
    names = ledger.names["application"]
    own = {
        id
        for id in names.ids.get(text, set())
        if ledger.applications[id].department_id == department_id
    }
    if len(own) == 1:
        return next(iter(own))
    if len(own) > 1:
        raise CellError(f"{text!r} names {len(own)} of them; write the id of one")
    id = names.find(text)
    raise CellError(f"{text!r} is an application of {ledger.applications[id].department_id}")


def told(error: CloudmgrError | CellError) -> str:
    """Why, as a cell's fault says it."""
    return error.message if isinstance(error, CloudmgrError) else str(error)


def _named(what: str, records: Iterable[Any]) -> Names:
    found = Names(what)
    for each in records:
        found.add(each.id, each.name_zh, each.name_en, getattr(each, "code", ""))
    return found
