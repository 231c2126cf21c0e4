"""The ledger of protected periods as commands, and the one question others ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.period import utc
from cloudmgr.domain import protected_periods as periods
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.protected_periods import (
    ProtectedPeriod,
    ProtectedPeriodState,
    check_period,
)
from cloudmgr.services.commands import Command, handles, require_city_office
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.world import Message, World, next_id

open_to_all(ProtectedPeriod)

_OFFICES = (Role.AUTHORITY, Role.TECHNICAL_REVIEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareProtectedPeriod(Command):
    """Declare a protected period (重保期) of departments or applications, or of everything."""

    title: str
    document_number: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    department_ids: tuple[str, ...] = ()
    application_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelProtectedPeriod(Command):
    """Call a protected period off, or end it early, with a reason."""

    period_id: str
    reason: str


@handles(*_OFFICES)
def declare_protected_period(
    world: World, command: DeclareProtectedPeriod, actor: Actor, now: datetime
) -> ProtectedPeriod:
    for id in command.department_ids:
        world.get(Organisation, id)
    for id in command.application_ids:
        world.get(Application, id)
    period = ProtectedPeriod(
        id=next_id(world, "PP"),
        title=command.title,
        document_number=command.document_number,
        reason=command.reason,
        starts_at=utc(command.starts_at),
        ends_at=utc(command.ends_at),
        department_ids=command.department_ids,
        application_ids=command.application_ids,
        declared_by=actor.user_id,
        declared_at=now,
    )
    check_period(period)
    if period.ends_at <= now:
        raise bad_value("ends_at", "the period is over already; nothing would be protected")
    _tell(world, "protected_period_declared", period, now)
    return world.put(period)


@handles(*_OFFICES)
def cancel_protected_period(
    world: World, command: CancelProtectedPeriod, actor: Actor, now: datetime
) -> ProtectedPeriod:
    period = world.get(ProtectedPeriod, command.period_id)
    require_city_office(actor, "ProtectedPeriod", period.id, *_OFFICES)
    if not command.reason.strip():
        raise bad_value("reason", "say why the protection ends")
    _tell(world, "protected_period_cancelled", period, now)
    return world.put(
        advance(
            period,
            ProtectedPeriodState.CANCELLED,
            cancelled_by=actor.user_id,
            cancelled_at=now,
            outcome=command.reason,
        )
    )


def protection_of(
    world: World, department_id: str, application_id: str, now: datetime, what: str
) -> CloudmgrError | None:
    """The refusal `protected_period` where one forbids `what` now."""
    declared = world.find(ProtectedPeriod, state=ProtectedPeriodState.DECLARED)
    try:
        periods.require_unprotected(declared, department_id, application_id, now, what)
    except CloudmgrError as refusal:
        return refusal
    return None


def _tell(world: World, topic: str, period: ProtectedPeriod, now: datetime) -> None:
    payload = {
        "period_id": period.id,
        "department_ids": list(period.department_ids),
        "application_ids": list(period.application_ids),
        "starts_at": period.starts_at.isoformat(),
        "ends_at": period.ends_at.isoformat(),
    }
    world.outbox(Message(topic=topic, subject=period.id, payload=payload, at=now))
