"""Expands a city's rules about pools and disaster recovery into records: what was stated of each
pool, its papers, which allocations are copies of which, agreements and drills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from catalog.period import Month, midnight
from cloudmgr.cities.city import City
from cloudmgr.cities.opening import OpeningLine
from cloudmgr.cities.plans import CertificateRule, ReplicaRule
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.capacity import InventoryRecord
from cloudmgr.domain.certificates import (
    Certificate,
    CertificateKind,
    SubjectKind,
    check_certificate,
)
from cloudmgr.domain.continuity import Replica, check_agreement
from cloudmgr.domain.pools_life import ConformanceReport
from cloudmgr.services import timers
from cloudmgr.services.certificates import watch
from cloudmgr.services.drills import watch as watch_drill
from cloudmgr.services.pools import inventory_record
from cloudmgr.services.resource_lists import start_lists
from cloudmgr.services.world import World, next_id

SPREAD_MONTHS = 6
"""Systems were tested in the months before the cut-over, spread evenly over so many."""


def put_continuity(
    world: World, city: City, stock: Sequence[Allocation], lines: Sequence[OpeningLine]
) -> dict[str, int]:
    """Put everything of `pool_rules.toml` and `continuity.toml`; the policy stands already.
    `stock` are the allocations of `lines`, one each."""
    papers = [*_pool_papers(world, city), *_application_papers(world, city)]
    replicas = [
        each for rule in city.continuity.replicas for each in _copies(world, rule, stock, lines)
    ]
    world.put_many(_stated(world, city))
    world.put_many(_tests(world, city))
    world.put_many(papers)
    for paper in papers:
        watch(world, paper, city.opens_at)
    world.put_many(replicas)
    _put_agreements(world, city)
    _put_drills(world, city)
    start_lists(world, city.opens_at)
    return {"certificates": len(papers), "replicas": len(replicas)}


def _stated(world: World, city: City) -> Iterator[InventoryRecord]:
    pools = {pool.id: pool for pool in city.pools}
    for inventory in city.inventories:
        pool = pools[inventory.pool_id]
        yield inventory_record(world, pool, inventory, city.opens_at, by="", reason="opening stock")


def _tests(world: World, city: City) -> Iterator[ConformanceReport]:
    for pool in city.pools:
        yield ConformanceReport(
            id=next_id(world, "CONF"),
            pool_id=pool.id,
            provider_id=pool.provider_id,
            level=pool.management_level,
            passed=True,
            notes="期初建账",
            file_id=None,
            recorded_by="",
            tested_at=city.opens_at,
        )


def _pool_papers(world: World, city: City) -> Iterator[Certificate]:
    for pool in city.pools:
        for rule in city.pools_plan.pool_certificates:
            assert rule.valid_from is not None
            assert rule.expires_at is not None
            yield _paper(
                world,
                rule,
                SubjectKind.POOL,
                pool.id,
                rule.number.replace("{pool}", pool.id),
                (rule.valid_from, rule.expires_at),
                provider_id=pool.provider_id,
                mlps_level=rule.mlps_level,
            )


def _application_papers(world: World, city: City) -> Iterator[Certificate]:
    opening = Month.of(city.opens_at)
    for place, application in enumerate(city.applications):
        for rule in city.pools_plan.application_certificates:
            if application.mlps_level not in rule.mlps_levels:
                continue
            tested = opening.plus(-(place % SPREAD_MONTHS))
            until = tested.plus(rule.every_months)
            yield _paper(
                world,
                rule,
                SubjectKind.APPLICATION,
                application.id,
                rule.number.replace("{application}", application.code),
                (midnight(tested.first), midnight(until.first)),
                department_id=application.department_id,
                mlps_level=_level(rule, application),
            )


def _level(rule: CertificateRule, application: Application) -> int | None:
    return application.mlps_level if rule.kind is CertificateKind.MLPS_REPORT else None


def _paper(
    world: World,
    rule: CertificateRule,
    subject_kind: SubjectKind,
    subject_id: str,
    number: str,
    term: tuple[datetime, datetime],
    *,
    provider_id: str | None = None,
    department_id: str | None = None,
    mlps_level: int | None,
) -> Certificate:
    paper = Certificate(
        id=next_id(world, "CERT"),
        kind=rule.kind,
        subject_kind=subject_kind,
        subject_id=subject_id,
        number=number,
        issuer=rule.issuer,
        valid_from=term[0],
        expires_at=term[1],
        provider_id=provider_id,
        department_id=department_id,
        mlps_level=mlps_level,
        registered_at=None,
    )
    check_certificate(paper)
    return paper


def _copies(
    world: World, rule: ReplicaRule, stock: Sequence[Allocation], lines: Sequence[OpeningLine]
) -> Iterator[Replica]:
    by_rule = {
        (line.application.id, line.rule.id): allocation
        for line, allocation in zip(lines, stock, strict=True)
    }
    for line, copy in zip(lines, stock, strict=True):
        if line.rule.id != rule.rule_id or line.application.id in rule.without:
            continue
        primaries = (by_rule.get((line.application.id, id)) for id in rule.primary_rules)
        primary = next((each for each in primaries if each is not None), None)
        if primary is not None:
            yield Replica(
                id=next_id(world, "REP"),
                primary_id=primary.id,
                allocation_id=copy.id,
                role=rule.role,
                application_id=copy.application_id,
                department_id=copy.department_id,
                declared_by="",
                declared_at=copy.delivered_at or line.term_end,
            )


def _put_agreements(world: World, city: City) -> None:
    sites = {site.id: site for site in city.sites}
    for agreement in city.continuity.agreements:
        check_agreement(agreement, sites[agreement.site_id])
        kept = world.put(replace(agreement, id=next_id(world, "AGR")))
        timers.schedule(world, "agreement_ends", kept.id, kept.ends_at)


def _put_drills(world: World, city: City) -> None:
    for drill in city.continuity.drills:
        kept = world.put(replace(drill, id=next_id(world, "DRILL")))
        if kept.held_at is not None:
            watch_drill(world, kept.application_id, kept.held_at, city.opens_at)
