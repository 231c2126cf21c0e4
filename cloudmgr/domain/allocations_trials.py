"""Longer trials: one extension that a technical reviewer approved, and no second one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.errors import trial_extended_already, trial_extension_waiting
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class TrialExtensionState(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialExtension(Value):
    """试运行延期: the department asks for `days` more, a technical reviewer decides."""

    allocation_id: str
    department_id: str
    provider_id: str
    days: int
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    opinion: str = ""
    state: TrialExtensionState = TrialExtensionState.ASKED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "TrialExtension",
        {
            TrialExtensionState.ASKED: (
                "待审核",
                (TrialExtensionState.APPROVED, TrialExtensionState.REFUSED),
            ),
            TrialExtensionState.APPROVED: ("已同意", ()),
            TrialExtensionState.REFUSED: ("未同意", ()),
        },
    )


def check_asking(allocation_id: str, earlier: Iterable[TrialExtension]) -> None:
    """Raise `trial_extended_already` after an approved one, `trial_extension_waiting` beside one
    that nobody has decided; a refused one may be asked again with a better reason."""
    for each in earlier:
        if each.state is TrialExtensionState.APPROVED:
            raise trial_extended_already(allocation_id, each.id)
        if each.state is TrialExtensionState.ASKED:
            raise trial_extension_waiting(allocation_id, each.id)
