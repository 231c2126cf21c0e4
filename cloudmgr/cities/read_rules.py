"""Reads what is expanded later: the opening stock's rules, quotas, budgets; and the policy."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

from catalog.quantity import ResourceClass
from catalog.skus import STACKS
from cloudmgr.cities.city import (
    Archetype,
    BudgetRow,
    Limit,
    OpeningPlan,
    OpeningRule,
    QuotaPlan,
    Scale,
    Stand,
)
from cloudmgr.cities.records import CityRecord, all_known, keyed, known, rows, toml
from cloudmgr.domain.access import Role
from cloudmgr.domain.applications import DrMode, Zone
from cloudmgr.domain.approvals import ChainStep, Condition, Post, Where
from cloudmgr.domain.approvals_chain import check_chain
from cloudmgr.domain.attachments import AttachmentKind, AttachmentRule
from cloudmgr.domain.parties import RegionLevel
from cloudmgr.domain.policy import Clocks, PayerRule, Policy, Proration
from cloudmgr.domain.policy_allocations import AllocationRules
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.domain.requests import RequestKind, RequestState
from cloudmgr.domain.sessions import SignInRules

BUDGET_COLUMNS = (
    "payer", "department", "year", "approved", "document_number", "project_code", "fund_source",
)  # fmt: skip


def read_opening(path: Path, applications: Container[str], pools: Container[str]) -> OpeningPlan:
    document = toml(path)
    document.only("pairs", "remote", "words", "rules")
    pairs, remote, words = (document.part(each) for each in ("pairs", "remote", "words"))
    pairs.only(*(each for each in pairs.values if each in pools))
    words.only(*STACKS)
    rules: dict[str, OpeningRule] = {}
    for record in document.items("rules", "rule"):
        rule = _opening_rule(record, applications)
        rules[keyed(rule.id, rules, record)] = rule
    return OpeningPlan(
        pairs={key: known(pairs, key, "pool", pools) for key in pairs.values},
        remote_pool_id=known(remote, "pool", "pool", pools),
        words={stack: _words(words.part(stack)) for stack in words.values},
        rules=tuple(rules.values()),
    )


def _words(record: CityRecord) -> dict[str, str]:
    return {key: record.text(key) for key in record.values}


def _opening_rule(record: CityRecord, applications: Container[str]) -> OpeningRule:
    record.only(
        "id", "pool", "sku", "quantity", "estimate", "zones", "archetypes", "mlps", "dr_modes",
        "scales", "applications",
    )  # fmt: skip
    scales = record.many("scales", Scale) or tuple(Scale)
    sku = record.by_scale("sku", lambda each, field: each.text(field))
    if not sku:
        raise record.fault("sku", "name an item of the catalog")
    return OpeningRule(
        id=record.text("id"),
        place=record.place,
        stand=record.choice("pool", Stand),
        sku={scale: sku[scale] for scale in scales if scale in sku},
        quantity=record.by_scale("quantity", lambda each, field: each.whole(field)),
        estimate=record.by_scale("estimate", lambda each, field: each.whole(field)),
        zones=record.many("zones", Zone),
        archetypes=record.many("archetypes", Archetype),
        mlps_levels=record.wholes("mlps"),
        dr_modes=record.many("dr_modes", DrMode),
        application_ids=all_known(record, "applications", "application", applications),
    )


def read_quotas(path: Path, scopes: Container[str]) -> QuotaPlan:
    document = toml(path)
    document.only("departments", "limits")
    departments = document.part("departments")
    departments.only("percent", "floor", "step")
    limits = [
        limit for record in document.items("limits", "limit") for limit in _limits(record, scopes)
    ]
    return QuotaPlan(
        percent=departments.whole("percent"),
        floor=_units(departments.part("floor"), everything=True),
        step=_units(departments.part("step"), everything=True),
        limits=tuple(limits),
    )


def _limits(record: CityRecord, scopes: Container[str]) -> tuple[Limit, ...]:
    record.only("scope", "scope_id", "units")
    return tuple(
        Limit(
            scope=record.choice("scope", QuotaScope),
            scope_id=known(record, "scope_id", "region, department or application", scopes),
            resource_class=resource_class,
            limit_units=units,
            place=record.place,
        )
        for resource_class, units in _units(record.part("units")).items()
    )


def _units(record: CityRecord, *, everything: bool = False) -> dict[ResourceClass, int]:
    record.only(*ResourceClass)
    if everything:
        return {each: record.whole(each) for each in ResourceClass}
    return {ResourceClass(key): record.whole(key) for key in record.values}


def read_budgets(path: Path, organisations: Container[str]) -> tuple[BudgetRow, ...]:
    found: dict[str, BudgetRow] = {}
    for record in rows(path, BUDGET_COLUMNS):
        payer_id = known(record, "payer", "organisation", organisations)
        covers = bool(record.text("department", ""))
        row = BudgetRow(
            payer_id=payer_id,
            department_id=known(record, "department", "department", organisations)
            if covers
            else None,
            year=record.whole("year"),
            document_number=record.text("document_number"),
            project_code=record.text("project_code"),
            fund_source=record.text("fund_source"),
            approved=_positive(record, "approved"),
            place=record.place,
        )
        found[keyed(f"{payer_id}/{row.department_id}/{row.year}", found, record)] = row
    return tuple(found.values())


def _positive(record: CityRecord, field: str) -> Decimal:
    found = record.yuan(field)
    if not found:
        raise record.fault(field, "an approved budget is above 0")
    return found


def read_policy(path: Path, regions: Container[str], organisations: Container[str]) -> Policy:
    record = toml(path)
    record.only(
        "id", "document_number", "effective_from", "kind", "source", "proration",
        "settlement_cycle_months", "charge_storage_when_stopped", "clocks", "payers", "chain",
        "contract_warning_days", "supplement_percent",
        "attachments", "idle_window_days", "idle_cpu_percent", "advance_months", "sign_in",
        "allocations",
    )  # fmt: skip
    payers = record.part("payers")
    payers.only(*(each for each in payers.values if each in regions))
    record.text("source")
    chain = tuple(_step(each) for each in record.items("chain", "step"))
    with record.located():
        check_chain(chain)
    return Policy(
        id=record.text("id"),
        effective_from=record.midnight("effective_from"),
        document_number=record.text("document_number"),
        kind=record.text("kind"),
        proration=record.choice("proration", Proration),
        settlement_cycle_months=record.whole("settlement_cycle_months"),
        clocks=_clocks(record.part("clocks")),
        payers=tuple(
            PayerRule(region_id=key, payer_id=known(payers, key, "organisation", organisations))
            for key in payers.values
        ),
        chain=chain,
        charge_storage_when_stopped=record.truth("charge_storage_when_stopped"),
        contract_warning_days=record.wholes("contract_warning_days"),
        supplement_percent=record.whole("supplement_percent"),
        attachments=tuple(_attachment(each) for each in record.items("attachments", "attachment")),
        idle_window_days=record.whole("idle_window_days", default=30),
        idle_cpu_percent=record.whole("idle_cpu_percent", default=10),
        advance_months=record.whole("advance_months", default=3),
        allocations=_allocation_rules(record.part("allocations")),
        sign_in=_sign_in(record.part("sign_in")),
    )


def _sign_in(record: CityRecord) -> SignInRules:
    record.only(*(each.name for each in fields(SignInRules)))
    return SignInRules(**{each.name: record.whole(each.name) for each in fields(SignInRules)})


def _attachment(record: CityRecord) -> AttachmentRule:
    record.only("attachment", "kinds", "min_mlps_level")
    return AttachmentRule(
        attachment=record.choice("attachment", AttachmentKind),
        kinds=record.many("kinds", RequestKind),
        min_mlps_level=record.whole("min_mlps_level", default=0),
    )


def _allocation_rules(record: CityRecord) -> AllocationRules:
    """Every rule by its name; a city that says nothing of them takes the samples."""
    if not record.values:
        return AllocationRules()
    record.only(*(each.name for each in fields(AllocationRules)))
    return AllocationRules(
        trial_extension_days=record.whole("trial_extension_days"),
        term_reminder_days=record.wholes("term_reminder_days"),
        temporary_notice_days=record.wholes("temporary_notice_days"),
        temporary_renewals=record.whole("temporary_renewals"),
        temporary_renewal_days=record.whole("temporary_renewal_days"),
        parallel_days_most=record.whole("parallel_days_most"),
        release_papers_required=record.truth("release_papers_required"),
    )


def _clocks(record: CityRecord) -> Clocks:
    """Every clock by its name: a missing one would fall back to a default nobody wrote down."""
    record.only(*(each.name for each in fields(Clocks)))
    days = {
        each.name: record.whole(each.name)
        for each in fields(Clocks)
        if each.name != "reminder_workdays"
    }
    return Clocks(**days, reminder_workdays=record.wholes("reminder_workdays"))


def _step(record: CityRecord) -> ChainStep:
    record.only(
        "id", "label", "role", "state", "where", "limit_workdays", "kinds", "region_levels",
        "zones", "xinchuang", "important", "over_budget", "min_monthly_price",
        "min_quota_percent", "or_over_budget", "off_catalog", "or_off_catalog",
        "overdue_role", "overdue_where",
    )  # fmt: skip
    return ChainStep(
        id=record.text("id"),
        label=record.text("label"),
        role=record.choice("role", Role),
        state=record.choice("state", RequestState),
        where=record.choice("where", Where),
        limit_workdays=record.whole("limit_workdays"),
        condition=_condition(record),
        steps_in=_steps_in(record),
    )


def _condition(record: CityRecord) -> Condition:
    floor = record.text("min_monthly_price", "")
    full = "min_quota_percent" in record.values
    return Condition(
        kinds=record.many("kinds", RequestKind),
        region_levels=record.many("region_levels", RegionLevel),
        zones=record.many("zones", Zone),
        xinchuang=record.truth("xinchuang"),
        important=record.truth("important"),
        over_budget=record.truth("over_budget"),
        min_monthly_price=record.yuan("min_monthly_price") if floor else None,
        min_quota_percent=record.whole("min_quota_percent") if full else None,
        or_over_budget=record.truth("or_over_budget"),
        off_catalog=record.truth("off_catalog"),
        or_off_catalog=record.truth("or_off_catalog"),
    )


def _steps_in(record: CityRecord) -> Post | None:
    """Who signs beside the step's own people once it is overdue."""
    if "overdue_role" not in record.values and "overdue_where" not in record.values:
        return None
    return Post(
        role=record.choice("overdue_role", Role), where=record.choice("overdue_where", Where)
    )
