"""Files as commands: sent once for an organisation, then named by their id. Owns who may read one;
a noun that a file is attached to may let its own readers see it with `content_of`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.files import FileContent, StoredFile, check_file, content_digest
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.reading import read
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFile(Command):
    """Send a file for an organisation one acts in; the answer's id is what papers refer to.

    Without `organisation_id` it is the only organisation the sender has a role in.
    """

    name: str
    data: bytes
    organisation_id: str = ""
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "ser_json_bytes": "base64",
        "val_json_bytes": "base64",
    }


@handles(*Role, counties=True, own=Role)
def upload_file(world: World, command: UploadFile, actor: Actor, now: datetime) -> StoredFile:
    """Raises `bad_file` for a format, size or content that is not taken."""
    organisation_id = command.organisation_id or _only_organisation(actor)
    require_in(actor, organisation_id, "Organisation", organisation_id, *Role)
    world.get(Organisation, organisation_id)
    form = check_file(command.name, command.data)
    digest = content_digest(command.data)
    world.lock((FileContent, digest))  # two may send the same file at once
    if world.seek(FileContent, digest) is None:
        world.put(FileContent(id=digest, data=command.data))
    return world.put(
        StoredFile(
            id=next_id(world, "FILE"),
            organisation_id=organisation_id,
            name=command.name,
            media_type=form.media_type,
            size_bytes=len(command.data),
            sha256=digest,
            uploaded_by=actor.user_id,
            uploaded_at=now,
        )
    )


def file_content(world: World, file_id: str, actor: Actor) -> tuple[StoredFile, bytes]:
    """A file the actor may read himself; raises `not_found` for a foreign one."""
    file = read(world, actor, StoredFile, file_id)
    return file, content_of(world, file)


def content_of(world: World, file: StoredFile) -> bytes:
    """The bytes of a file, for whoever was found to see what it is attached to."""
    return world.get(FileContent, file.sha256).data


def _only_organisation(actor: Actor) -> str:
    organisations = sorted(actor.organisations())
    if len(organisations) != 1:
        raise bad_value("organisation_id", "you act in several organisations; say for which")
    return organisations[0]
