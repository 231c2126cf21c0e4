"""What an approver sees before signing, gathered from the records at a moment.

Reads only and decides nothing: every figure is a record's own or comes from the function that owns
its rule. Owns who sees it: whoever sees the request, and whoever may sign it now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from catalog.errors import CloudmgrError
from catalog.money import ZERO
from catalog.period import Period
from catalog.quantity import ResourceClass
from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.approvals import Approval, ChainStep, Decision, Signer
from cloudmgr.domain.attachments import Attachment
from cloudmgr.domain.billing import Statement, StatementState
from cloudmgr.domain.errors import not_found
from cloudmgr.domain.measures_operation import MILLICORES
from cloudmgr.domain.parties import User
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.requests import RequestState, ResourceRequest, Shortage
from cloudmgr.services.approvals_steps import pending, signatures, signers_now, steps_for
from cloudmgr.services.attachments import attachments_of
from cloudmgr.services.commitments import budget_chain
from cloudmgr.services.estimates import Estimate, estimate
from cloudmgr.services.policies import policy_now
from cloudmgr.services.reading import read
from cloudmgr.services.requests_evidence_values import (
    BudgetView,
    Evidence,
    FindingView,
    Person,
    PresentUse,
    SignatureView,
    SignerView,
    StepView,
    UseView,
)
from cloudmgr.services.usage import CPU_METER, manifest
from cloudmgr.services.world import World

_PER_CENT = 100


def seen_request(world: World, actor: Actor, id: str, now: datetime) -> ResourceRequest:
    """The request, for who sees it or may sign it now (a parent organisation's people see nothing
    else of the department); raises `not_found`."""
    try:
        return read(world, actor, ResourceRequest, id)
    except CloudmgrError:
        request = world.seek(ResourceRequest, id)
        if request is not None and any(
            each.user_id == actor.user_id for each in signers_now(world, request, now)
        ):
            return request
        raise


def seen_attachment(world: World, actor: Actor, id: str, now: datetime) -> Attachment:
    """An attachment, for who sees its request; raises `not_found`."""
    attachment = world.seek(Attachment, id)
    if attachment is None:
        raise not_found("Attachment", id)
    try:
        seen_request(world, actor, attachment.request_id, now)
    except CloudmgrError:
        raise not_found("Attachment", id) from None
    return attachment


def evidence(world: World, request: ResourceRequest, now: datetime) -> Evidence:
    """Everything there is to know about the request at `now`."""
    found, why_not = _estimated(world, request, now)
    signed = signatures(world, request)
    return Evidence(
        request=request,
        submitter=_person(world, request.submitter_id),
        estimate=found,
        not_estimated=why_not,
        budgets=_budgets(world, request, found, now),
        present_use=_present_use(world, request.department_id, now),
        findings=tuple(_findings(world, request.department_id, now)),
        attachments=attachments_of(world, request.id),
        signatures=tuple(_signature(world, each) for each in sorted(signed, key=lambda a: a.at)),
        steps=_steps(world, request, signed, now),
        signers=signer_views(world, signers_now(world, request, now)),
    )


def signer_views(world: World, signers: tuple[Signer, ...]) -> tuple[SignerView, ...]:
    """People with their names; user records themselves are nobody's to read."""
    return tuple(
        SignerView(
            signer=_person(world, each.user_id),
            role=each.role,
            organisation_id=each.organisation_id,
            standing=each.standing,
            on_behalf_of=_person(world, each.on_behalf_of) if each.on_behalf_of else None,
        )
        for each in signers
    )


def _estimated(
    world: World, request: ResourceRequest, now: datetime
) -> tuple[Estimate | None, Shortage | None]:
    if request.approved_at is not None:
        why = "what the request asked for is reserved since its approval; see its placement"
        return None, Shortage("already_bound", why)
    try:
        return estimate(world, request, now), None
    except CloudmgrError as error:
        return None, Shortage(error.code, error.message)


def _budgets(
    world: World, request: ResourceRequest, found: Estimate | None, now: datetime
) -> tuple[BudgetView, ...]:
    asked = found.commitment if found else ZERO
    return tuple(
        BudgetView(
            budget_id=each.id,
            department_id=each.department_id,
            year=each.year,
            approved=each.approved,
            committed=each.committed,
            due=each.due,
            paid=each.paid,
            left=each.left,
            asked=asked,
            left_after=each.left - asked,
        )
        for each in budget_chain(world, request.department_id, now)
    )


def _present_use(world: World, department_id: str, now: datetime) -> PresentUse:
    policy = policy_now(world, now)
    window = Period(now - timedelta(days=policy.idle_window_days), now)
    running = world.find(Allocation, department_id=department_id, state=RUNNING)
    sized = {each.id: vcpus for each in running if (vcpus := _vcpus(each))}
    use = _cpu_use(world, window, frozenset(sized))
    each = tuple(
        _use(allocation, sized[allocation.id], *use[allocation.id], policy)
        for allocation in running
        if allocation.id in sized
    )
    idle = tuple(view for view in each if view.idle)
    return PresentUse(
        window_from=window.start,
        window_to=window.end,
        idle_below_percent=policy.idle_cpu_percent,
        allocations=len(running),
        vcpus=sum(sized.values()),
        without_readings=tuple(view.allocation_id for view in each if not view.readings),
        idle=tuple(view.allocation_id for view in idle),
        idle_vcpus=sum(view.vcpus for view in idle),
        each=each,
    )


def _vcpus(allocation: Allocation) -> int:
    return sum(
        amount.units
        for amount in allocation.resources
        if amount.resource_class is ResourceClass.VCPU
    )


def _cpu_use(
    world: World, window: Period, resources: frozenset[str]
) -> defaultdict[str, tuple[int, int]]:
    """(sum of readings, readings) of each resource in the whole hours of the window."""
    found: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    files = manifest(world) if resources else ()
    if not files:
        return found
    hours = Period(_whole_hour(window.start), _whole_hour(window.end))
    table = world.usage.rollup_hours(files, hours, meters={CPU_METER}, resources=resources)
    columns = (table.column(name).to_pylist() for name in ("resource", "sum", "count"))
    for resource, units, count in zip(*columns, strict=True):
        before = found[resource]
        found[resource] = (before[0] + units, before[1] + count)
    return found


def _whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _use(allocation: Allocation, vcpus: int, units: int, readings: int, policy: Policy) -> UseView:
    mean = Fraction(units, readings) if readings else None
    share = mean / (vcpus * MILLICORES) if mean is not None else None
    return UseView(
        allocation_id=allocation.id,
        application_id=allocation.application_id,
        pool_id=allocation.pool_id,
        sku_id=allocation.sku_id,
        quantity=allocation.quantity,
        state=allocation.state,
        vcpus=vcpus,
        readings=readings,
        cpu_mean_millicores=mean,
        cpu_mean_share=share,
        idle=None if share is None else share * _PER_CENT < policy.idle_cpu_percent,
    )


def _findings(world: World, department_id: str, now: datetime) -> Iterator[FindingView]:
    """What is open about the applicant, by what the node knows."""
    for each in world.find(Allocation, department_id=department_id, state=RUNNING):
        if each.term_end is not None and each.term_end <= now:
            code = "temporary_overdue" if each.temporary else "term_overdue"
            sentence = f"{each.id} ({each.sku_id} x {each.quantity}) runs beyond its term"
            yield FindingView(code=code, subject=each.id, since=each.term_end, sentence=sentence)
    objected = world.find(Statement, department_id=department_id, state=StatementState.OBJECTED)
    for statement in objected:
        sentence = f"the statement of {statement.month} is objected to and not settled yet"
        yield FindingView(
            code="statement_objected", subject=statement.id, since=None, sentence=sentence
        )
    unanswered = world.find(
        ResourceRequest, department_id=department_id, state=RequestState.AWAITING_CONFIRMATION
    )
    for other in unanswered:
        sentence = f"{other.id} was delivered and is not confirmed yet"
        yield FindingView(
            code="delivery_unconfirmed",
            subject=other.id,
            since=other.delivered_at,
            sentence=sentence,
        )


def _signature(world: World, approval: Approval) -> SignatureView:
    principal = approval.on_behalf_of
    return SignatureView(
        round=approval.round,
        step=approval.step,
        role=approval.role,
        signer=_person(world, approval.user_id),
        on_behalf_of=_person(world, principal) if principal else None,
        standing=approval.standing,
        decision=approval.decision,
        opinion=approval.opinion,
        at=approval.at,
    )


def _steps(
    world: World, request: ResourceRequest, signed: tuple[Approval, ...], now: datetime
) -> tuple[StepView, ...]:
    waiting = pending(world, request, signed, now)
    done = {
        each.step
        for each in signed
        if each.round == request.round and each.decision is Decision.APPROVE
    }
    return tuple(step_view(step, done, waiting) for step in steps_for(world, request, now))


def step_view(step: ChainStep, done: set[str], waiting: ChainStep | None) -> StepView:
    """A step of the chain as people see it."""
    return StepView(
        step=step.id,
        label=step.label,
        role=step.role,
        limit_workdays=step.limit_workdays,
        done=step.id in done,
        waiting=waiting is not None and step.id == waiting.id,
    )


def _person(world: World, user_id: str) -> Person:
    user = world.seek(User, user_id)
    return Person(user_id=user_id, name=user.name if user else user_id)
