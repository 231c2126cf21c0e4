"""What is attached to a request: which papers, when they may come and go, which a policy asks for.

Owns that only; formats, sizes and contents of files are `files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from cloudmgr.domain.applications import Application
from cloudmgr.domain.errors import CloudmgrError, attachment_not_now, not_admitted
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.values import Value


class AttachmentKind(StrEnum):
    """What a file is to the request: 盖章扫描件, 备案证明, 上云安全体检报告, 项目批复, 其他."""

    STAMPED_FORM = "stamped_form"
    FILING_PROOF = "filing_proof"
    SECURITY_CHECK = "security_check"
    PROJECT_APPROVAL = "project_approval"
    OTHER = "other"


class AttachmentState(StrEnum):
    ATTACHED = "attached"
    DETACHED = "detached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Value):
    """附件: a stored file under a request, with what the file was when it was attached."""

    request_id: str
    department_id: str
    kind: AttachmentKind
    label: str
    file_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    attached_by: str
    attached_at: datetime
    detached_at: datetime | None = None
    state: AttachmentState = AttachmentState.ATTACHED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Attachment",
        {
            AttachmentState.ATTACHED: ("已附", (AttachmentState.DETACHED,)),
            AttachmentState.DETACHED: ("已撤下", ()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRule:
    """A paper the policy asks for before a request is submitted: for these kinds of request (all
    when none is named) of systems of at least this protection level."""

    attachment: AttachmentKind
    kinds: tuple[RequestKind, ...] = ()
    min_mlps_level: int = 0


MAX_ATTACHMENTS = 30
MAX_LABEL_LENGTH = 200

OPEN = (RequestState.DRAFT, RequestState.RETURNED)
"""The states in which a request's own papers come and go: nobody is asked to sign them."""


def check_attaching(request: ResourceRequest, kind: AttachmentKind) -> None:
    """Raise `attachment_not_now`: what others sign does not change under their hands. The stamped
    scan of the form comes once it has been signed, so it is taken later too; it is never lost,
    because only what is open lets go of anything."""
    stamped = kind is AttachmentKind.STAMPED_FORM
    given_up = request.state is RequestState.WITHDRAWN
    if request.state in OPEN or (stamped and not given_up):
        return
    raise attachment_not_now(request.id, request.state)


def check_detaching(request: ResourceRequest) -> None:
    """Raise `attachment_not_now` unless the request is open."""
    if request.state not in OPEN:
        raise attachment_not_now(request.id, request.state)


def missing(
    rules: Iterable[AttachmentRule],
    application: Application,
    kind: RequestKind,
    attached: Iterable[AttachmentKind],
) -> Iterator[CloudmgrError]:
    """The admission rule of the policy's papers: one refusal for each that is not there."""
    there = set(attached)
    for rule in rules:
        asked = not rule.kinds or kind in rule.kinds
        if asked and application.mlps_level >= rule.min_mlps_level and rule.attachment not in there:
            yield not_admitted(
                "attachment_missing",
                f"a {kind} request of {application.name_en} needs the attachment "
                f"{rule.attachment}; upload the file and attach it",
            )
