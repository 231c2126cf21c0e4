"""A request nobody has written down yet, looked at: price, pools, what refuses it and what it would
pass. Changes nothing; every figure comes from the function that submits, bills or binds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Actor
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import ChainStep
from cloudmgr.domain.attachments import AttachmentKind, missing
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.requests import (
    RequestKind,
    RequestLine,
    ResourceRequest,
    Shortage,
    refusals,
)
from cloudmgr.services.allocations_admission import running_refusals
from cloudmgr.services.approvals_steps import steps_for
from cloudmgr.services.estimates import Estimate, estimate, require_candidates, with_numbers
from cloudmgr.services.placements import checked_lines
from cloudmgr.services.policies import policy_now
from cloudmgr.services.reading import read
from cloudmgr.services.requests_evidence import step_view
from cloudmgr.services.requests_evidence_values import StepView
from cloudmgr.services.world import World

UNSAVED = "unsaved"
"""The id of a request that is only looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody thinks of asking, and the papers they would attach."""

    application_id: str
    kind: RequestKind
    lines: tuple[RequestLine, ...]
    attachments: tuple[AttachmentKind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """`refusals` is everything that would refuse the submission, all at once; what would only be
    short today is in `estimate.warnings`. `estimate` is null where the lines cannot be priced."""

    admitted: bool
    refusals: tuple[Shortage, ...]
    estimate: Estimate | None
    steps: tuple[StepView, ...]


def preview(world: World, wish: Wish, actor: Actor, now: datetime) -> Preview:
    """Raises `not_found` for an application that is not the actor's to see; providers see none."""
    application = read(world, actor, Application, wish.application_id)
    refused = [*refusals(application, wish.kind)]
    refused += missing(policy_now(world, now).attachments, application, wish.kind, wish.attachments)
    found: Estimate | None = None
    asked = _unsaved(world, wish, application, actor, now)
    try:
        asked = replace(asked, lines=checked_lines(world, wish.kind, wish.lines, application))
    except CloudmgrError as error:  # what the lines name may not be the actor's: look no further
        refused.append(error)
    else:
        refused += running_refusals(world, asked, now)
        found, faults = _estimated(world, asked, now)
        refused += faults
    steps: tuple[ChainStep, ...] = ()
    if found is not None:
        steps = steps_for(world, with_numbers(asked, found, application), now)
    return Preview(
        admitted=not refused,
        refusals=tuple(Shortage(each.code, each.message) for each in refused),
        estimate=found,
        steps=tuple(step_view(step, set(), None) for step in steps),
    )


def _estimated(
    world: World, asked: ResourceRequest, now: datetime
) -> tuple[Estimate | None, list[CloudmgrError]]:
    """The numbers, and what lines are refused for: each line by itself, what several share once."""
    try:
        found = estimate(world, asked, now)
        require_candidates(asked, found)
    except CloudmgrError:
        faults: dict[tuple[str, str], CloudmgrError] = {}
        for line in asked.lines:
            alone = replace(asked, lines=(line,))
            try:
                require_candidates(alone, estimate(world, alone, now))
            except CloudmgrError as error:
                faults.setdefault((error.code, error.message), error)
        return None, list(faults.values())
    return found, []


def _unsaved(
    world: World, wish: Wish, application: Application, actor: Actor, now: datetime
) -> ResourceRequest:
    return ResourceRequest(
        id=UNSAVED,
        kind=wish.kind,
        department_id=application.department_id,
        region_id=world.get(Organisation, application.department_id).region_id,
        application_id=application.id,
        submitter_id=actor.user_id,
        reason="",
        lines=wish.lines,
        created_at=now,
    )
