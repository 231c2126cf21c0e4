"""Attachments of requests as commands, and the admission of a request with all its papers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.attachments import (
    MAX_ATTACHMENTS,
    MAX_LABEL_LENGTH,
    Attachment,
    AttachmentKind,
    AttachmentState,
    check_attaching,
    check_detaching,
    missing,
)
from cloudmgr.domain.errors import CloudmgrError, bad_value, not_found
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.requests import ResourceRequest, refusals
from cloudmgr.services.allocations_admission import running_refusals
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.files import content_of
from cloudmgr.services.policies import policy_now
from cloudmgr.services.reading import read
from cloudmgr.services.world import World, next_id

_DEPARTMENT = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachFile(Command):
    """Attach a file the department has uploaded; the stamped form also after it was signed."""

    request_id: str
    file_id: str
    label: str
    kind: AttachmentKind = AttachmentKind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachFile(Command):
    """Take a file off a request that nobody is asked to sign; that it was there is kept."""

    attachment_id: str


@handles(*_DEPARTMENT)
def attach_file(world: World, command: AttachFile, actor: Actor, now: datetime) -> Attachment:
    """Raises `attachment_not_now`, or `not_found` for a file of somebody else."""
    request = world.get(ResourceRequest, command.request_id)
    require_in(actor, request.department_id, "ResourceRequest", request.id, *_DEPARTMENT)
    check_attaching(request, command.kind)
    if not 0 < len(command.label.strip()) <= MAX_LABEL_LENGTH:
        raise bad_value("label", f"say what the file is in 1 to {MAX_LABEL_LENGTH} characters")
    file = read(world, actor, StoredFile, command.file_id)
    if file.organisation_id != request.department_id:
        raise not_found("StoredFile", file.id)
    there = attachments_of(world, request.id)
    if len(there) >= MAX_ATTACHMENTS:
        raise bad_value("file_id", f"a request has at most {MAX_ATTACHMENTS} attachments")
    if any(each.sha256 == file.sha256 and each.kind is command.kind for each in there):
        raise bad_value("file_id", "the same file is attached as that already")
    return world.put(
        Attachment(
            id=next_id(world, "ATT"),
            request_id=request.id,
            department_id=request.department_id,
            kind=command.kind,
            label=command.label,
            file_id=file.id,
            name=file.name,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            attached_by=actor.user_id,
            attached_at=now,
        )
    )


@handles(*_DEPARTMENT)
def detach_file(world: World, command: DetachFile, actor: Actor, now: datetime) -> Attachment:
    attachment = world.get(Attachment, command.attachment_id)
    require_in(actor, attachment.department_id, "Attachment", attachment.id, *_DEPARTMENT)
    check_detaching(world.get(ResourceRequest, attachment.request_id))
    return world.put(advance(attachment, AttachmentState.DETACHED, detached_at=now))


def attachments_of(world: World, request_id: str) -> tuple[Attachment, ...]:
    """What is attached to a request now."""
    return world.find(Attachment, request_id=request_id, state=AttachmentState.ATTACHED)


def attached_content(world: World, attachment: Attachment) -> bytes:
    """The bytes, for whoever was found to see the request."""
    return content_of(world, world.get(StoredFile, attachment.file_id))


def admission_refusals(
    world: World, application: Application, request: ResourceRequest, now: datetime
) -> Iterator[CloudmgrError]:
    """Every admission rule that refuses: what the application is, the papers policy asks, and what
    runs already."""
    yield from refusals(application, request.kind)
    rules = policy_now(world, now).attachments
    if rules:
        attached = [each.kind for each in attachments_of(world, request.id)]
        yield from missing(rules, application, request.kind, attached)
    yield from running_refusals(world, request, now)


def require_admission(
    world: World, application: Application, request: ResourceRequest, now: datetime
) -> None:
    """Raise the first admission rule that refuses."""
    for refusal in admission_refusals(world, application, request, now):
        raise refusal
