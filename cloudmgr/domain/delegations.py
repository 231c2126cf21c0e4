"""Signing for somebody who is absent: one role in one organisation, from one day to another.

Owns what may be delegated and when a delegation is in force. What a delegate's signature counts
for is `approvals`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.access import SEPARATED, Grant, Role
from cloudmgr.domain.approvals import SIGNING
from cloudmgr.domain.errors import bad_value, not_delegable, not_found
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class DelegationState(StrEnum):
    GIVEN = "given"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation(Value):
    """代签授权: `delegate_id` signs for `principal_id` in one role of one organisation.

    It counts in [starts_at, ends_at) while the principal still holds the role; the delegate
    cannot pass it on. The principal may sign himself all the while.
    """

    principal_id: str
    delegate_id: str
    role: Role
    organisation_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    given_at: datetime
    revoked_at: datetime | None = None
    state: DelegationState = DelegationState.GIVEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Delegation",
        {
            DelegationState.GIVEN: ("有效", (DelegationState.REVOKED,)),
            DelegationState.REVOKED: ("已撤销", ()),
        },
    )

    def in_force(self, moment: datetime) -> bool:
        given = self.state is DelegationState.GIVEN
        return given and self.starts_at <= moment < self.ends_at


def check_delegation(
    delegation: Delegation, principal: Iterable[Grant], delegate: Iterable[Grant], now: datetime
) -> None:
    """Raise unless the principal may give this to the delegate.

    `not_delegable` for a role that signs nothing (an administrator's among them), `not_found` for
    a role the principal does not hold there, or a delegate who has no business role in the same
    organisation: he would not see what he signs.
    """
    if delegation.role not in SIGNING:
        raise not_delegable(delegation.role, SIGNING)
    if not delegation.reason.strip():
        raise bad_value("reason", "say why you are absent")
    if delegation.delegate_id == delegation.principal_id:
        raise bad_value("delegate_id", "name somebody else; you sign for yourself anyway")
    if not delegation.starts_at < delegation.ends_at:
        raise bad_value("ends_at", "a delegation ends after it begins")
    if delegation.ends_at <= now:
        raise bad_value("ends_at", "the delegation would be over already")
    held = (delegation.role, delegation.organisation_id)
    if held not in {(grant.role, grant.organisation_id) for grant in principal}:
        raise not_found("Organisation", delegation.organisation_id)
    if not any(
        grant.organisation_id == delegation.organisation_id and grant.role not in SEPARATED
        for grant in delegate
    ):
        raise not_found("User", delegation.delegate_id)


def principals_of(
    delegations: Iterable[Delegation], user_id: str, moment: datetime
) -> frozenset[str]:
    """Whom a person stands for at a moment, in whatever role."""
    return frozenset(
        each.principal_id
        for each in delegations
        if each.delegate_id == user_id and each.in_force(moment)
    )
