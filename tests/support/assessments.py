"""Builders of a provider's records and small schemes for tests; every argument by name.

One provider `prv`, one pool `pool` of 100 physical vCPU, the reference cycle January 2026.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from catalog.period import Month, midnight
from catalog.quantity import ResourceClass
from catalog.standards import ServiceStandard
from cloudmgr.domain.allocations import Allocation, AllocationState, Segment, SegmentMode
from cloudmgr.domain.assessment_scores import AssessmentScheme, DimensionWeight, Veto
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.incidents import Incident, Severity
from cloudmgr.domain.indicators import (
    ControlledBy,
    Dimension,
    IndicatorDefinition,
    Linear,
    Measured,
    Scoring,
    Unit,
    not_set,
)
from cloudmgr.domain.measures_records import ProviderRecords, SkuTerms
from cloudmgr.domain.ratios import ratio
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.domain.workorders import WorkOrder, WorkOrderAction, WorkOrderState
from tests.support.catalogs import a_standard

JANUARY = Month(2026, 1)


def at(text: str) -> datetime:
    """`01-15 10:30` of 2026 on Shanghai's clock, in UTC."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}:00+08:00").astimezone(UTC)


def an_order(
    *,
    id: str = "WO-1",
    request_id: str = "REQ-1",
    opened: str = "01-05 09:00",
    due: str = "01-12 00:00",
    accepted: str | None = None,
    done: str | None = None,
    refused: bool = False,
    action: WorkOrderAction = WorkOrderAction.PROVISION,
) -> WorkOrder:
    """Open; done when `done` is given, refused then when `refused`."""
    state = WorkOrderState.OPEN if accepted is None else WorkOrderState.ACCEPTED
    if done is not None:
        state = WorkOrderState.REFUSED if refused else WorkOrderState.DONE
    return WorkOrder(
        id=id,
        request_id=request_id,
        pool_id="pool",
        provider_id="prv",
        action=action,
        lines=(1,),
        opened_at=at(opened),
        due_at=at(due),
        accepted_at=at(accepted) if accepted else None,
        done_at=at(done) if done else None,
        state=state,
    )


def an_allocation(
    *,
    id: str = "AL-1",
    start: str = "01-01 00:00",
    end: str | None = None,
    quantity: int = 1,
    sku_id: str = "vm",
    pool_id: str = "pool",
    **changed: Any,
) -> Allocation:
    """A charged allocation of `quantity` 2-vCPU VMs, running unless it has an end."""
    fields: dict[str, Any] = {
        "request_id": None,
        "department_id": "dep",
        "application_id": "app",
        "provider_id": "prv",
        "contract_id": "contract",
        "resources": (),
        "delivered_at": at(start),
        "ended_at": at(end) if end else None,
        "segments": (Segment(at(start), sku_id, quantity, SegmentMode.CHARGED),),
        "state": AllocationState.RELEASED if end else AllocationState.ACTIVE,
    }
    return Allocation(
        id=id, pool_id=pool_id, sku_id=sku_id, quantity=quantity, **(fields | changed)
    )


def an_incident(
    *,
    id: str = "INC-1",
    allocation_ids: tuple[str, ...] = ("AL-1",),
    opened: str = "01-10 10:00",
    acknowledged: str | None = None,
    restored: str | None = None,
    severity: Severity = Severity.MAJOR,
) -> Incident:
    return Incident(
        id=id,
        provider_id="prv",
        pool_id="pool",
        allocation_ids=allocation_ids,
        severity=severity,
        description="a switch failed",
        reported_by="somebody",
        opened_at=at(opened),
        acknowledged_at=at(acknowledged) if acknowledged else None,
        restored_at=at(restored) if restored else None,
    )


def a_rating(
    *, request_id: str = "REQ-1", stars: int = 5, given: str = "01-20 10:00"
) -> ServiceRating:
    return ServiceRating(
        id=f"{request_id}/prv",
        request_id=request_id,
        department_id="dep",
        provider_id="prv",
        stars=stars,
        comment="",
        user_id="clerk",
        at=at(given),
    )


def vcpu_inventory(
    *, pool_id: str = "pool", total: int = 100, ratio_percent: int = 100
) -> Inventory:
    return Inventory(
        id=inventory_id(pool_id, ResourceClass.VCPU),
        pool_id=pool_id,
        resource_class=ResourceClass.VCPU,
        total=total,
        allocation_ratio_percent=ratio_percent,
    )


def sku_terms(
    *, sku_id: str = "vm", vcpus: int = 2, standard: ServiceStandard | None = None
) -> SkuTerms:
    return SkuTerms(sku_id=sku_id, vcpus=vcpus, standard=standard or a_standard())


def records(**given: Any) -> ProviderRecords:
    fields: dict[str, Any] = {
        "provider_id": "prv",
        "months": (JANUARY,),
        "terms": (sku_terms(),),
    }
    return ProviderRecords(**(fields | given))


def a_definition(
    *,
    id: str = "satisfaction",
    dimension: Dimension = Dimension.SERVICE,
    weight: str = "1",
    controlled_by: ControlledBy = ControlledBy.PROVIDER,
    computed: bool = True,
    scoring: Scoring | None = None,
    unit: Unit = Unit.SHARE,
    limit_minutes: int | None = None,
) -> IndicatorDefinition:
    """Linear from 0 to 1 unless told otherwise: 100 times the value are the points."""
    return IndicatorDefinition(
        id=id,
        name_zh="指标",
        name_en="Indicator",
        dimension=dimension,
        unit=unit,
        source="a test",
        controlled_by=controlled_by,
        computed=computed,
        weight=ratio(weight),
        scoring=scoring or Linear(floor=ratio(0), target=ratio(1)),
        limit_minutes=limit_minutes,
    )


def a_scheme(
    *definitions: IndicatorDefinition,
    weights: dict[Dimension, str] | None = None,
    vetoes: tuple[Veto, ...] = (),
    **changed: Any,
) -> AssessmentScheme:
    """A scheme of these indicators; without weights its one dimension weighs 100."""
    indicators = definitions or (a_definition(),)
    weighed = weights or {indicators[0].dimension: "100"}
    fields: dict[str, Any] = {
        "id": "scheme-1",
        "name_zh": "考核办法",
        "name_en": "Assessment scheme",
        "document_number": "test 1",
        "effective_from": midnight(JANUARY.first),
        "kind": "sample",
        "source": "a test",
        "dimensions": tuple(
            DimensionWeight(dimension=dimension, weight=ratio(weight))
            for dimension, weight in weighed.items()
        ),
        "indicators": tuple(indicators),
        "vetoes": vetoes,
    }
    return AssessmentScheme(**(fields | changed))


def value_of(indicator_id: str, value: str | None) -> Measured:
    """A measured value, or "not set" for None."""
    if value is None:
        return not_set(indicator_id, "nothing was there")
    return Measured(
        indicator_id=indicator_id,
        value=ratio(value),
        numerator=ratio(value),
        denominator=ratio(1),
        evidence="a test",
    )
