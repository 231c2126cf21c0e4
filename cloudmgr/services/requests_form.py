"""The application form (申请表) of a request as it stands at a moment: what is printed and stamped.

Reads only; how it looks is the portal's. Prices are those of the choice once pools were chosen,
until then of the dearest candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.errors import CloudmgrError
from catalog.money import ZERO, total
from catalog.skus import FigureKind, Sku
from catalog.versions import CatalogVersion
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.attachments import Attachment
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import Organisation, Region, RegionLevel
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.rating import monthly_price
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services.overview_values import Named, named
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book, sku_at
from cloudmgr.services.requests_evidence import evidence
from cloudmgr.services.requests_evidence_values import (
    Evidence,
    Person,
    SignatureView,
    StepView,
)
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLine:
    """A line of the form; without `pool` none is chosen yet, without a price none is known."""

    line: RequestLine
    sku: Sku | None
    pool: Named | None
    monthly_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBox:
    """One box to sign and stamp: a step of the round, with its signature once it has one."""

    step: StepView
    signature: SignatureView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """Everything that stands on the form. `sample` where figures no city published decided it."""

    request: ResourceRequest
    at: datetime
    city: Named | None
    rehearsal: bool
    sample: bool
    department: Organisation
    region: Region
    application: Application
    submitter: Person
    lines: tuple[FormLine, ...]
    monthly_total: Decimal
    commitment: Decimal | None
    chosen: bool
    boxes: tuple[FormBox, ...]
    earlier: tuple[SignatureView, ...]
    attachments: tuple[Attachment, ...]


def request_form(world: World, request: ResourceRequest, now: datetime) -> RequestForm:
    """The form of a request at `now`."""
    seen = evidence(world, request, now)
    settings = world.seek(NodeSettings, NODE_ID)
    lines = tuple(_line(world, request, line, seen, now) for line in request.lines)
    cities = world.find(Region, level=RegionLevel.CITY, limit=1)
    round_ = [each for each in seen.signatures if each.round == request.round]
    return RequestForm(
        request=request,
        at=now,
        city=named(cities[0]) if cities else None,
        rehearsal=bool(settings and settings.rehearsal),
        sample=_sample(world, request, now),
        department=world.get(Organisation, request.department_id),
        region=world.get(Region, request.region_id),
        application=world.get(Application, request.application_id),
        submitter=seen.submitter,
        lines=lines,
        monthly_total=total(each.monthly_price or ZERO for each in lines),
        commitment=seen.estimate.commitment if seen.estimate else None,
        chosen=request.approved_at is not None,
        boxes=_boxes(seen, round_, {s.id: s.label for s in policy_now(world, now).chain}),
        earlier=tuple(
            each
            for each in seen.signatures
            if each.round != request.round or each.decision is not Decision.APPROVE
        ),
        attachments=seen.attachments,
    )


def _line(
    world: World, request: ResourceRequest, line: RequestLine, seen: Evidence, now: datetime
) -> FormLine:
    moment = request.approved_at or now
    try:
        sku: Sku | None = sku_at(world, line.sku_id, moment)
    except CloudmgrError:
        sku = None
    pool = world.seek(ResourcePool, line.pool_id) if line.pool_id else None
    price = None
    if seen.estimate is not None:
        price = next(e.monthly_price for e in seen.estimate.lines if e.line == line.line)
    elif sku is not None and pool is not None and request.kind is not RequestKind.RELEASE:
        price = _price(world, sku, pool.id, line, moment)
    return FormLine(line=line, sku=sku, pool=named(pool) if pool else None, monthly_price=price)


def _price(
    world: World, sku: Sku, pool_id: str, line: RequestLine, moment: datetime
) -> Decimal | None:
    """What the line costs a full month in the pool chosen for it, by the price of the approval."""
    try:
        price = price_book(world).price_at(sku.id, pool_id, moment)
    except CloudmgrError:
        return None
    return monthly_price(sku, line.quantity, price, estimate_units=line.estimate_units)


def _boxes(
    seen: Evidence, signed: list[SignatureView], labels: dict[str, str]
) -> tuple[FormBox, ...]:
    """The round's signatures that are no steps of it (the lead who resubmitted), then its steps."""
    approved = {each.step: each for each in signed if each.decision is Decision.APPROVE}
    steps = {each.step for each in seen.steps}
    before = tuple(
        FormBox(step=_signed_step(each, labels), signature=each)
        for each in signed
        if each.step not in steps and each.decision is Decision.APPROVE
    )
    return before + tuple(
        FormBox(step=each, signature=approved.get(each.step)) for each in seen.steps
    )


def _signed_step(signature: SignatureView, labels: dict[str, str]) -> StepView:
    return StepView(
        step=signature.step,
        label=labels.get(signature.step, signature.step),
        role=signature.role,
        limit_workdays=0,
        done=True,
        waiting=False,
    )


def _sample(world: World, request: ResourceRequest, now: datetime) -> bool:
    """Whether the policy, or a figure of a line's ceiling, is a sample parameter (示例参数)."""
    moment = request.approved_at or now
    if policy_now(world, moment).kind == FigureKind.SAMPLE:
        return True
    published = [each for each in price_book(world).versions if each.effective_from <= moment]
    if not published:
        return False
    catalog: CatalogVersion = max(published, key=lambda each: each.effective_from)
    ceilings = (catalog.ceiling_of(line.sku_id) for line in request.lines)
    return any(each is not None and each.kind is FigureKind.SAMPLE for each in ceilings)
