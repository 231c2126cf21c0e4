"""Reads how pools are run and what disaster recovery is there: rules, makeup, certificates,
replicas, agreements and drills."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from catalog.quantity import ResourceClass
from cloudmgr.cities.plans import (
    CertificateRule,
    ContinuityPlan,
    PoolsPlan,
    ReplicaRule,
)
from cloudmgr.cities.records import CityRecord, all_known, known, toml
from cloudmgr.domain.applications import Application, DrMode
from cloudmgr.domain.certificates import CertificateKind
from cloudmgr.domain.continuity import (
    BackupAgreement,
    ContinuityRules,
    DrLevelTerms,
    DrModeTerms,
    ReplicaRole,
)
from cloudmgr.domain.continuity_sites import SeparationRules
from cloudmgr.domain.drills import Drill, DrillKind, DrillState
from cloudmgr.domain.policy_pools import (
    OnboardingCheck,
    PlacementWeights,
    PoolRules,
    RatioBounds,
    Waterline,
)
from cloudmgr.domain.pools import PoolKind
from cloudmgr.domain.pools_makeup import Component, Part


def read_pools_plan(path: Path, pools: Container[str]) -> PoolsPlan:
    document = toml(path)
    document.only("rules", "makeup", "pool_certificates", "application_certificates")
    makeup: dict[str, tuple[Component, ...]] = {}
    for record in document.items("makeup", "makeup"):
        record.only("pools", *Part)
        components = tuple(_components(record))
        for pool_id in all_known(record, "pools", "pool", pools):
            makeup[pool_id] = components
    return PoolsPlan(
        rules=_pool_rules(document.part("rules")),
        makeup=makeup,
        pool_certificates=_papers(document, "pool_certificates"),
        application_certificates=_papers(document, "application_certificates"),
    )


def _components(record: CityRecord) -> Iterator[Component]:
    for part in Part:
        products = record.part(part)
        for product, said in products.values.items():
            if not (isinstance(said, list) and len(said) == 2 and isinstance(said[0], bool)):
                raise products.fault(product, "write whether it is domestic and how many units")
            units = CityRecord(products.place, {product: said[1]}).whole(product)
            yield Component(part=part, product=product, domestic=said[0], units=units)


def _pool_rules(record: CityRecord) -> PoolRules:
    record.only(
        "onboarding", "require_certificate", "certificate_warning_days", "ratio_bounds",
        "waterlines", "weights",
    )  # fmt: skip
    weights = record.part("weights")
    weights.only("price", "balance", "score", "assumed_score")
    return PoolRules(
        onboarding=record.many("onboarding", OnboardingCheck),
        require_certificate=record.truth("require_certificate"),
        certificate_warning_days=record.wholes("certificate_warning_days"),
        ratio_bounds=tuple(_bounds(each) for each in record.items("ratio_bounds", "bound")),
        waterlines=tuple(_waterline(each) for each in record.items("waterlines", "waterline")),
        weights=PlacementWeights(**{key: weights.whole(key) for key in weights.values}),
    )


def _bounds(record: CityRecord) -> RatioBounds:
    record.only("resource_class", "pool_kind", "least_percent", "most_percent")
    return RatioBounds(
        resource_class=record.choice("resource_class", ResourceClass),
        pool_kind=record.choice("pool_kind", PoolKind) if "pool_kind" in record.values else None,
        least_percent=record.whole("least_percent"),
        most_percent=record.whole("most_percent"),
    )


def _waterline(record: CityRecord) -> Waterline:
    record.only("resource_class", "percent")
    of = "resource_class" in record.values
    return Waterline(
        percent=record.whole("percent"),
        resource_class=record.choice("resource_class", ResourceClass) if of else None,
    )


def _papers(document: CityRecord, field: str) -> tuple[CertificateRule, ...]:
    found = []
    for record in document.items(field, "certificate"):
        record.only(
            "kind", "mlps_level", "mlps_levels", "number", "issuer", "valid_from", "expires",
            "every_months",
        )  # fmt: skip
        dated = "expires" in record.values
        graded = "mlps_level" in record.values
        found.append(
            CertificateRule(
                kind=record.choice("kind", CertificateKind),
                number=record.text("number"),
                issuer=record.text("issuer"),
                mlps_level=record.whole("mlps_level") if graded else None,
                mlps_levels=record.wholes("mlps_levels"),
                valid_from=record.midnight("valid_from") if dated else None,
                expires_at=record.midnight("expires") if dated else None,
                every_months=0 if dated else record.whole("every_months"),
            )
        )
    return tuple(found)


def read_continuity(
    path: Path,
    rules: Container[str],
    sites: Container[str],
    applications: Mapping[str, Application],
) -> ContinuityPlan:
    document = toml(path)
    document.only("rules", "replicas", "agreements", "drills")
    return ContinuityPlan(
        rules=_continuity_rules(document.part("rules")),
        replicas=tuple(
            _replica_rule(record, rules, applications)
            for record in document.items("replicas", "replica")
        ),
        agreements=tuple(
            _agreement(record, sites) for record in document.items("agreements", "agreement")
        ),
        drills=tuple(_drill(record, applications) for record in document.items("drills", "drill")),
    )


def _continuity_rules(record: CityRecord) -> ContinuityRules:
    distances = ("same_city_least_metres", "same_city_most_metres", "remote_least_metres")
    record.only("levels", "modes", "drill_interval_months", "remote_backup_from_level", *distances)
    remote = "remote_backup_from_level" in record.values
    return ContinuityRules(
        levels=tuple(_level(each) for each in record.items("levels", "level")),
        modes=tuple(_mode(each) for each in record.items("modes", "mode")),
        separation=SeparationRules(**{key: record.whole(key) for key in distances}),
        remote_backup_from_level=record.whole("remote_backup_from_level") if remote else None,
        drill_interval_months=record.whole("drill_interval_months"),
    )


def _level(record: CityRecord) -> DrLevelTerms:
    record.only("level", "rto_minutes", "rpo_minutes", "source")
    return DrLevelTerms(
        level=record.whole("level"),
        source=record.text("source"),
        rto_minutes=record.whole("rto_minutes") if "rto_minutes" in record.values else None,
        rpo_minutes=record.whole("rpo_minutes") if "rpo_minutes" in record.values else None,
    )


def _mode(record: CityRecord) -> DrModeTerms:
    record.only("mode", "rto_minutes", "rpo_minutes", "source")
    return DrModeTerms(
        mode=record.choice("mode", DrMode),
        source=record.text("source"),
        rto_minutes=record.whole("rto_minutes"),
        rpo_minutes=record.whole("rpo_minutes"),
    )


def _replica_rule(
    record: CityRecord, rules: Container[str], applications: Container[str]
) -> ReplicaRule:
    record.only("rule", "role", "primary_rules", "without")
    return ReplicaRule(
        rule_id=known(record, "rule", "opening rule", rules),
        role=record.choice("role", ReplicaRole),
        primary_rules=all_known(record, "primary_rules", "opening rule", rules),
        without=all_known(record, "without", "application", applications),
    )


def _agreement(record: CityRecord, sites: Container[str]) -> BackupAgreement:
    record.only("number", "partner_city", "site", "starts", "ends", "scope")
    return BackupAgreement(
        id="",
        number=record.text("number"),
        partner_city=record.text("partner_city"),
        site_id=known(record, "site", "site", sites),
        starts_at=record.midnight("starts"),
        ends_at=record.midnight("ends"),
        scope=record.text("scope"),
        mutual=True,
    )


def _drill(record: CityRecord, applications: Mapping[str, Application]) -> Drill:
    record.only(
        "application", "kind", "scenario", "held_on", "participants", "finding",
        "promised_rto_minutes", "promised_rpo_minutes", "reached_rto_minutes",
        "reached_rpo_minutes",
    )  # fmt: skip
    application = applications[known(record, "application", "application", applications)]
    held_at = record.midnight("held_on")
    return Drill(
        id="",
        application_id=application.id,
        department_id=application.department_id,
        kind=record.choice("kind", DrillKind),
        scenario=record.text("scenario"),
        participants=record.many("participants", str),
        planned_for=held_at,
        planned_by="",
        held_at=held_at,
        finding=record.text("finding", ""),
        state=DrillState.HELD,
        promised_rto_minutes=record.whole("promised_rto_minutes"),
        promised_rpo_minutes=record.whole("promised_rpo_minutes"),
        reached_rto_minutes=record.whole("reached_rto_minutes"),
        reached_rpo_minutes=record.whole("reached_rpo_minutes"),
    )
