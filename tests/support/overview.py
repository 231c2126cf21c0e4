"""A small city with one month behind it, made record by record; every figure is plain to check.

Two departments of the city and one of a county, two providers with a pool each, January 2026
closed. Records are put as they stand at the end, not by the commands that lead there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from catalog.money import amount
from catalog.period import Month, midnight
from catalog.quantity import ResourceClass
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode, Zone
from cloudmgr.domain.assessment import Assessment, AssessmentState
from cloudmgr.domain.assessment_scores import ScoredDimension
from cloudmgr.domain.billing import (
    BillingPeriod,
    PeriodState,
    Statement,
    StatementState,
    StatementTitle,
    statement_id,
)
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.coefficients import coefficient
from cloudmgr.domain.indicators import Dimension
from cloudmgr.domain.journal import Posting, PostingKind, PostingSet
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region, RegionLevel
from cloudmgr.domain.policy import Clocks, Policy, Proration
from cloudmgr.domain.pools import (
    ManagementLevel,
    PoolKind,
    PoolState,
    ResourcePool,
    Site,
    SiteRole,
)
from cloudmgr.domain.requests import RequestKind, RequestLine, RequestState, ResourceRequest
from cloudmgr.domain.settlement import Settlement, SettlementState, amounts
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.domain.values import Value
from cloudmgr.services.memory import MemoryNode
from cloudmgr.usage.batches import batch_of
from cloudmgr.usage.quarantine import ResourceLife, ResourceLives, split
from tests.support.assessments import an_allocation, at
from tests.support.usage import reading, table_of

JANUARY = Month(2026, 1)
NOW = at("03-02 10:00")


def put(node: MemoryNode, *values: Value) -> None:
    """Store records as they are, whatever way led there."""
    for value in values:
        node.write(type(value), value.id, value)


def a_settings(*, rehearsal: bool = True, city: str = "reference") -> NodeSettings:
    return NodeSettings(
        id=NODE_ID,
        rehearsal=rehearsal,
        city=city,
        created_at=JANUARY.period.start,
        clock=NOW if rehearsal else None,
    )


def an_organisation(
    id: str, kind: OrganisationKind, *, region_id: str = "city", name: str = ""
) -> Organisation:
    return Organisation(
        id=id, kind=kind, name_zh=f"{name or id}局", name_en=f"Office {id}", region_id=region_id
    )


def an_application(id: str, department_id: str) -> Application:
    return Application(
        id=id,
        code=id,
        name_zh=f"{id}系统",
        name_en=f"System {id}",
        department_id=department_id,
        mlps_level=2,
        classified=False,
        zone=Zone.EXTRANET,
        dr_level=1,
        dr_mode=DrMode.LOCAL_BACKUP,
        xinchuang=False,
        important=False,
        state=DeploymentStatus.ON_CLOUD,
    )


def a_pool(id: str, provider_id: str) -> ResourcePool:
    return ResourcePool(
        id=id,
        name_zh=f"{id}资源池",
        name_en=f"Pool {id}",
        provider_id=provider_id,
        site_id="site",
        kind=PoolKind.GENERAL,
        stack="x86",
        zones=(Zone.EXTRANET,),
        mlps_level=3,
        management_level=ManagementLevel.SCHEDULING,
        state=PoolState.ONBOARDED,
    )


def an_inventory(pool_id: str, of: ResourceClass, total: int, **changed: Any) -> Inventory:
    return Inventory(
        id=inventory_id(pool_id, of), pool_id=pool_id, resource_class=of, total=total, **changed
    )


def a_request(
    id: str,
    *,
    state: RequestState = RequestState.COMPLETED,
    kind: RequestKind = RequestKind.NEW,
    created_at: datetime | None = None,
) -> ResourceRequest:
    return ResourceRequest(
        id=id,
        kind=kind,
        department_id="d1",
        region_id="city",
        application_id="a1",
        submitter_id="d1.user",
        reason="a test",
        lines=(RequestLine(line=1, sku_id="vm", quantity=1),),
        created_at=created_at or at("01-10 09:00"),
        state=state,
    )


def a_statement(
    department_id: str,
    total: str,
    *,
    month: Month = JANUARY,
    state: StatementState = StatementState.CONFIRMED,
    deemed: bool = False,
) -> Statement:
    return Statement(
        id=statement_id(str(month), department_id),
        department_id=department_id,
        payer_id="finance",
        month=str(month),
        title=StatementTitle.CONFIRMATION,
        total=amount(total),
        line_count=1,
        issued_at=at("02-05 09:00"),
        due_at=at("02-12 00:00"),
        budgeted=True,
        deemed=deemed,
        state=state,
    )


def an_assessment(
    provider_id: str, score: str | None, *, state: AssessmentState = AssessmentState.FINAL
) -> Assessment:
    return Assessment(
        id=f"ASM-2026-01-{provider_id}",
        provider_id=provider_id,
        cycle="2026-01",
        months=("2026-01",),
        score=None if score is None else amount(score),
        dimensions=(
            ScoredDimension(
                dimension=Dimension.SERVICE,
                nominal_weight=Fraction(25),
                weight=Fraction(100),
                score=None if score is None else Fraction(score),
                points=Fraction(score or 0),
            ),
        ),
        state=state,
    )


def a_settlement(
    provider_id: str,
    gross: str,
    score: str,
    *,
    payer_id: str = "finance",
    sequence: int = 1,
    settled_before: str = "0.00",
    paid: str = "0.00",
    state: SettlementState | None = None,
) -> Settlement:
    """By the score's own coefficient; held where the score holds the payment."""
    found = coefficient(amount(score))
    made = amounts(amount(gross), found.value) if found.value is not None else None
    return Settlement(
        id=f"SE-2026-01/{payer_id}/{provider_id}/{sequence}",
        payer_id=payer_id,
        payee_id=provider_id,
        provider_id=provider_id,
        contract_id=f"contract-{provider_id}",
        cycle="2026-01",
        months=("2026-01",),
        sequence=sequence,
        line_count=1,
        lines_total=amount(gross),
        service_credits=amount("0.00"),
        gross=amount(gross),
        shares=(),
        assessment_id=f"ASM-2026-01-{provider_id}",
        score=amount(score),
        coefficient=found.value,
        working=found.working,
        deduction=made.deduction if made else None,
        settled_before=amount(settled_before),
        withheld_before=amount("0.00"),
        payable=made.payable - amount(settled_before) if made else None,
        drafted_at=at("02-20 09:00"),
        paid=amount(paid),
        state=state or (SettlementState.CONFIRMED if made else SettlementState.HELD),
    )


def a_policy(*, kind: str = "sample") -> Policy:
    return Policy(
        id="policy",
        effective_from=midnight(JANUARY.first),
        document_number="test 1",
        kind=kind,
        proration=Proration.DAY,
        settlement_cycle_months=1,
        clocks=Clocks(),
        payers=(),
        chain=(),
    )


def read_cpu(node: MemoryNode, pool_id: str, use: dict[str, list[int]], *, bad: int = 0) -> None:
    """A batch of readings, one an hour from the month's first: millicores by allocation, and
    `bad` rows of a resource nobody knows."""
    hour = timedelta(hours=1)
    start = JANUARY.period.start
    rows = [
        reading(resource=id, meter="cpu_millicores", time=start + hour * index, value=value)
        for id, values in use.items()
        for index, value in enumerate(values)
    ]
    rows += [
        reading(resource="nobody", meter="cpu_millicores", time=start + hour * index, value=1)
        for index in range(bad)
    ]
    batch = batch_of(table_of(rows))
    lives = [ResourceLife(id, pool_id, JANUARY.period, ("cpu_millicores",)) for id in use]
    parts = split(batch.rows, pool_id=pool_id, lives=ResourceLives.of(lives), now=NOW)
    id = f"batch-{pool_id}"
    written = node.usage.write(id, pool_id, parts.accepted, parts.quarantined)
    put(
        node,
        UsageBatch(
            id=id,
            pool_id=pool_id,
            provider_id="p1",
            digest=batch.digest,
            sequence=1,
            sent=len(rows),
            accepted=parts.accepted.num_rows,
            quarantined=parts.quarantined.num_rows,
            reasons=(),
            partitions=written.partitions,
            quarantine_path=written.quarantine_path,
            received_at=NOW,
        ),
    )


def a_played_node(*, rehearsal: bool = True) -> MemoryNode:
    """The whole small city; figures a test changes are put again over it."""
    node = MemoryNode()
    put(node, a_settings(rehearsal=rehearsal), a_policy(), *_parties(), *_supply(), *_papers())
    put(node, *_running())
    read_cpu(node, "pool-1", {"AL-1": [1000, 3000], "AL-2": [2000, 2000]}, bad=3)
    with node.transaction() as world:
        for number in range(5):
            world.audit(
                at=NOW, user_id="u", role="r", command="c", subject=str(number), request_id=""
            )
    return node


def _parties() -> Iterator[Value]:
    yield Region(id="city", name_zh="样例市", name_en="Sample City", level=RegionLevel.CITY)
    yield Region(
        id="county",
        name_zh="样例县",
        name_en="Sample County",
        level=RegionLevel.COUNTY,
        parent_id="city",
    )
    yield an_organisation("d1", OrganisationKind.DEPARTMENT, name="甲")
    yield an_organisation("d2", OrganisationKind.DEPARTMENT, name="乙")
    yield an_organisation("d3", OrganisationKind.DEPARTMENT, region_id="county", name="丙")
    yield an_organisation("p1", OrganisationKind.PROVIDER)
    yield an_organisation("p2", OrganisationKind.PROVIDER)
    yield from (an_application("a1", "d1"), an_application("a2", "d1"), an_application("a3", "d2"))


def _supply() -> Iterator[Value]:
    yield Site(
        id="site",
        name_zh="主中心",
        name_en="Primary site",
        region_id="city",
        role=SiteRole.PRIMARY,
        latitude_microdegrees=0,
        longitude_microdegrees=0,
    )
    yield from (a_pool("pool-1", "p1"), a_pool("pool-2", "p2"))
    yield an_inventory(
        "pool-1",
        ResourceClass.VCPU,
        10,
        allocation_ratio_percent=200,
        reserved=2,
        held=3,
        allocated=8,
    )
    yield an_inventory("pool-1", ResourceClass.MEMORY_MIB, 65536, allocated=16384)


def _running() -> Iterator[Allocation]:
    changed: dict[str, Any] = {"pool_id": "pool-1", "provider_id": "p1"}
    yield an_allocation(id="AL-1", department_id="d1", **changed)
    yield an_allocation(id="AL-2", department_id="d1", **changed)
    yield an_allocation(id="AL-3", department_id="d2", end="01-20 00:00", **changed)
    yield an_allocation(id="AL-4", department_id="d2", start="02-03 00:00", **changed)


def _papers() -> Iterator[Value]:
    yield BillingPeriod(id="2026-01", state=PeriodState.CLOSED)
    yield BillingPeriod(id="2026-02", state=PeriodState.OPEN)
    yield a_request("RQ-1")
    yield a_request("RQ-2", kind=RequestKind.CHANGE, state=RequestState.REJECTED)
    yield a_request("RQ-3", state=RequestState.IN_REVIEW)
    yield a_request("RQ-4", created_at=at("02-01 00:00"))
    yield a_statement("d1", "1234567.89")
    yield a_statement("d2", "2000000.11", deemed=True)
    yield a_statement("d1", "5.00", month=JANUARY.next())
    yield an_assessment("p1", "85.00")
    yield an_assessment("p2", "55.00")
    yield a_settlement("p1", "3000.00", "85.00", paid="100.00")
    yield a_settlement("p1", "1000.00", "85.00", payer_id="county-finance")
    yield a_settlement("p2", "500.00", "55.00")
    yield PostingSet(
        id="PS-1",
        kind=PostingKind.ISSUE,
        source_id="ST",
        month="2026-01",
        at=NOW,
        postings=(
            Posting("Receivable:x:y", amount("7.00")),
            Posting("Payable:p", amount("-7.00")),
        ),
    )
