"""The one reader of city folders: files in, a `City` out, faults with file, line and field.

Owns which files there are and in which order they are read, so that every reference is checked
against what stands before it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cloudmgr.cities import (
    read_continuity,
    read_ledgers,
    read_parties,
    read_rules,
    read_supply,
    read_systems,
)
from cloudmgr.cities.city import City
from cloudmgr.cities.records import CityRecord, toml
from cloudmgr.cities.scheme import read_scheme
from cloudmgr.domain.errors import unknown_city

CITIES = Path(__file__).parent


def shipped_cities() -> tuple[str, ...]:
    """The sample cities in the package."""
    return tuple(sorted(each.parent.name for each in CITIES.glob("*/city.toml")))


def find_city(name: str) -> City:
    """A shipped city by its name; raises `unknown_city`."""
    if name not in shipped_cities():
        raise unknown_city(name, shipped_cities())
    return read_city(CITIES / name)


def read_city(folder: Path) -> City:
    """Read a city folder (its README says which files); raises `bad_city`, `bad_scheme`."""
    head = toml(folder / "city.toml")
    head.only(
        "id", "name_zh", "name_en", "kind", "source", "cut_over", "catalog", "sample_password",
        "regions", "sites", "people",
    )  # fmt: skip
    regions = read_parties.read_regions(head)
    sites = read_parties.read_sites(head, regions)
    organisations = read_ledgers.with_former_names(
        folder / "former_names.csv",
        read_parties.read_organisations(folder / "organisations.csv", regions),
    )
    people = read_parties.read_people(head, organisations, regions)
    on_cloud = read_systems.read_applications(folder / "applications.csv", organisations)
    planned = read_systems.read_applications(folder / "planned.csv", organisations)
    systems = frozenset(each.id for each in (*on_cloud, *planned))
    pools, offers = read_supply.read_pools(folder / "pools.toml", organisations, sites)
    contracts, quotes = read_supply.read_contracts(folder / "contracts.toml", organisations, pools)
    scopes = {*regions, *organisations, *systems}
    opening = read_rules.read_opening(folder / "opening.toml", systems, pools)
    rules = frozenset(rule.id for rule in opening.rules)
    pools_plan = read_continuity.read_pools_plan(folder / "pool_rules.toml", pools)
    continuity = read_continuity.read_continuity(
        folder / "continuity.toml", rules, sites, {each.id: each for each in on_cloud}
    )
    policy = read_rules.read_policy(folder / "policy.toml", regions, organisations)
    return City(
        id=head.text("id"),
        name_zh=head.text("name_zh"),
        name_en=head.text("name_en"),
        kind=head.text("kind"),
        source=head.text("source"),
        cut_over=head.day("cut_over"),
        catalog_id=head.text("catalog"),
        sample_password=_password(head),
        regions=tuple(regions.values()),
        sites=tuple(sites.values()),
        organisations=tuple(organisations.values()),
        people=people,
        applications=on_cloud,
        planned=planned,
        workloads=read_systems.read_workloads(folder / "workloads.csv", systems, pools),
        pools=tuple(
            replace(pool, makeup=pools_plan.makeup.get(pool.id, ())) for pool in pools.values()
        ),
        offers=offers,
        inventories=tuple(read_supply.read_inventories(folder / "inventories.csv", pools).values()),
        contracts=tuple(contracts.values()),
        quote_rules=quotes,
        opening=opening,
        quotas=read_rules.read_quotas(folder / "quotas.toml", scopes),
        budgets=read_rules.read_budgets(folder / "budgets.csv", organisations),
        policy=replace(policy, pools=pools_plan.rules, continuity=continuity.rules),
        scheme=read_scheme(folder / "scheme.toml"),
        pools_plan=pools_plan,
        continuity=continuity,
        ledgers=read_ledgers.read_ledgers(folder, organisations),
    )


def _password(head: CityRecord) -> str:
    found = head.text("sample_password")
    if len(found) < 10:
        raise head.fault("sample_password", "use at least 10 characters")
    return found
