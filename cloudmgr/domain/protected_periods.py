"""Protected periods (重保期): stretches in which nothing is made smaller, moved or taken back.

Owns the ledger's record and which moments it protects; who is refused is asked where it happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.errors import bad_value, protected_period
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class ProtectedPeriodState(StrEnum):
    DECLARED = "declared"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedPeriod(Value):
    """重保期 in [starts_at, ends_at): of the named departments or applications, of everything
    where none is named."""

    title: str
    document_number: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    department_ids: tuple[str, ...] = ()
    application_ids: tuple[str, ...] = ()
    declared_by: str = ""
    declared_at: datetime | None = None
    cancelled_by: str = ""
    cancelled_at: datetime | None = None
    outcome: str = ""
    state: ProtectedPeriodState = ProtectedPeriodState.DECLARED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "ProtectedPeriod",
        {
            ProtectedPeriodState.DECLARED: ("已发布", (ProtectedPeriodState.CANCELLED,)),
            ProtectedPeriodState.CANCELLED: ("已撤销", ()),
        },
    )

    def protects(self, department_id: str, application_id: str, moment: datetime) -> bool:
        if self.state is not ProtectedPeriodState.DECLARED:
            return False
        if not self.starts_at <= moment < self.ends_at:
            return False
        everything = not self.department_ids and not self.application_ids
        return (
            everything
            or department_id in self.department_ids
            or application_id in self.application_ids
        )


def check_period(period: ProtectedPeriod) -> None:
    """Raise `bad_value` for a period without a paper, or one that does not last."""
    if not period.title.strip() or not period.document_number.strip():
        raise bad_value("document_number", "a protected period has a title and a document number")
    if period.ends_at <= period.starts_at:
        raise bad_value("ends_at", "a protected period ends after it begins")


def require_unprotected(
    periods: Iterable[ProtectedPeriod],
    department_id: str,
    application_id: str,
    moment: datetime,
    what: str,
) -> None:
    """Raise `protected_period` where a period forbids `what` at the moment."""
    for each in periods:
        if each.protects(department_id, application_id, moment):
            raise protected_period(what, each.id, each.title, each.ends_at.isoformat())
