"""Commands and the one way to perform them: authorise, decide, put, audit, in one transaction.

A command is a frozen value named by a verb and a noun; its handler is a function
`(world, command, actor, now) -> result` registered with `@handles(roles…)`. The registry is the
authorisation matrix, the list of API operations and the audit's vocabulary at once. Whether the
thing is the actor's own is asked inside the handler with `require_in`. A county's offices act for
the city with no command; those made for counties too say so and keep them to their county. A
machine's token gives only the commands its scopes cover, and none that are for people in person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, get_type_hints

from cloudmgr.domain.access import SYSTEM, Actor, Grant, Role, check_scope
from cloudmgr.domain.access_matrix import Reach, command_reach
from cloudmgr.domain.errors import (
    forbidden,
    idempotency_conflict,
    in_person_only,
    not_found,
    password_change_due,
)
from cloudmgr.domain.values import Value
from cloudmgr.services import codec
from cloudmgr.services.world import World

F = TypeVar("F", bound=Callable[..., Any])

Precondition = Callable[[World, Actor], None]
"""Asked inside the transaction before the command is carried out; refuses by raising."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Base of every command; the fields are its body, ids of the path included."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A command's handler, who may give it, and what it answers with."""

    command: type[Command]
    roles: frozenset[Role]
    result: Any
    function: Callable[..., Any]
    counties: bool = False
    in_person: bool = False
    while_password_due: bool = False
    everybody: bool = False
    own: frozenset[Role] = frozenset()
    deputies: frozenset[Role] = frozenset()

    @property
    def name(self) -> str:
        return snake(self.command.__name__)

    def grants_of(self, actor: Actor) -> tuple[Grant, ...]:
        """The grants by which the actor may give the command."""
        return tuple(grant for grant in actor.grants if self.reach(grant) is not Reach.FORBIDDEN)

    def reach(self, grant: Grant) -> Reach:
        """How far the command reaches for whoever holds a grant."""
        return command_reach(grant, self.roles, counties=self.counties, own=self.own)

    def authorise(self, actor: Actor) -> None:
        """Raise `forbidden` unless the actor may give the command at all; `out_of_scope` or
        `in_person_only` where the token may not, `password_change_due` before anything else."""
        if actor is SYSTEM:
            return
        if actor.password_due and not self.while_password_due:
            raise password_change_due()
        if actor.scopes is not None and self.in_person:
            raise in_person_only(self.name)
        if not self.everybody and not self.grants_of(actor):
            raise forbidden(self.name, self.roles)
        check_scope(actor, self.name, self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord(Value):
    """The answer already given to a person, command and key; another body under it is refused."""

    user_id: str
    command: str
    body_digest: str
    answer: str
    at: datetime


HANDLERS: dict[type[Command], Handler] = {}


def handles(
    *roles: Role,
    everybody: bool = False,
    counties: bool = False,
    in_person: bool = False,
    while_password_due: bool = False,
    own: Iterable[Role] = (),
    deputies: Iterable[Role] = (),
) -> Callable[[F], F]:
    """Register a handler; its annotations name the command and the result.

    With `counties` the offices of counties may give it too; the handler sees to it that they do
    so for their own county. `everybody` who is signed in gives it, with or without a role: it is
    about their own account. `in_person`: not by a machine's token. `while_password_due`: also by
    somebody who must first choose a password. `own`: roles of city offices that give it for their
    own office's things only, where such a role otherwise acts for the whole city. `deputies`: roles
    that alone do not suffice, but whose holders may stand for a colleague who has another; the
    handler asks whether they do.
    """

    def register(function: F) -> F:
        hints = get_type_hints(function)
        command, result = hints["command"], hints["return"]
        assert command not in HANDLERS, f"{command.__name__} has two handlers"
        HANDLERS[command] = Handler(
            command,
            frozenset(Role if everybody else roles),
            result,
            function,
            counties=counties or everybody,
            in_person=in_person,
            while_password_due=while_password_due,
            everybody=everybody,
            own=frozenset(Role if everybody else own),
            deputies=frozenset(deputies),
        )
        return function

    return register


def snake(name: str) -> str:
    """`SubmitRequest` -> `submit_request`: the operation id of a command."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def perform(
    world: World,
    command: Command,
    actor: Actor,
    now: datetime,
    *,
    request_id: str = "",
    precondition: Precondition | None = None,
) -> Any:
    """Authorise, run and audit one command inside the caller's transaction.

    Raises `forbidden` when no grant of the actor has one of the command's roles; whatever the
    handler raises passes through, and the caller's transaction undoes everything.
    """
    handler = HANDLERS[type(command)]
    handler.authorise(actor)
    if precondition is not None:
        precondition(world, actor)
    result = handler.function(world, command, actor, now)
    roles = sorted(grant.role for grant in handler.grants_of(actor))
    world.audit(
        at=now,
        user_id=actor.user_id,
        role=roles[0] if roles else "system" if actor is SYSTEM else "",
        command=handler.name,
        subject=_subject(command, result),
        request_id=request_id,
    )
    return result


def perform_once(
    world: World,
    command: Command,
    actor: Actor,
    now: datetime,
    *,
    key: str,
    request_id: str = "",
    precondition: Precondition | None = None,
) -> Any:
    """`perform`, but a key used before answers as it did then and changes nothing; a precondition
    was kept then and is not asked again.

    Raises `idempotency_conflict` when the key came with another body.
    """
    handler = HANDLERS[type(command)]
    handler.authorise(actor)  # an answer once given is not for who may no longer give the command
    # With the key, which is not kept: a body may hold a password, and its plain digest beside the
    # person's name could be guessed against.
    body = codec.digest(key, command)
    id = hashlib.sha256(f"{actor.user_id}\n{handler.name}\n{key}".encode()).hexdigest()
    world.lock((IdempotencyRecord, id))  # whoever repeats too early waits for the first answer
    known = world.seek(IdempotencyRecord, id)
    if known is not None:
        if known.body_digest != body:
            raise idempotency_conflict(key)
        return codec.adapter(handler.result).validate_json(known.answer)
    result = perform(world, command, actor, now, request_id=request_id, precondition=precondition)
    answer = codec.adapter(handler.result).dump_json(result).decode()
    world.put_many(
        [
            IdempotencyRecord(
                id=id,
                user_id=actor.user_id,
                command=handler.name,
                body_digest=body,
                answer=answer,
                at=now,
            )
        ]
    )
    return result


def require_in(actor: Actor, organisation_id: str, kind: str, id: str, *roles: Role) -> None:
    """Raise `not_found` unless the actor holds one of `roles` in the organisation that owns the
    thing: whether a foreign thing exists is not told."""
    if actor is SYSTEM or actor.has_in(organisation_id, *roles):
        return
    raise not_found(kind, id)


def require_city_office(actor: Actor, kind: str, id: str, *roles: Role) -> None:
    """Raise `not_found` unless the actor holds one of `roles` in an office of the whole city."""
    if actor is SYSTEM or actor.has_for_city(*roles):
        return
    raise not_found(kind, id)


def require_region(actor: Actor, region_id: str, kind: str, id: str, *roles: Role) -> None:
    """Raise `not_found` unless the actor holds one of `roles` in an office of the whole city, or
    of the county that the thing belongs to."""
    if actor is SYSTEM or actor.has_for_city(*roles):
        return
    if not any(grant.role in roles and grant.region_id == region_id for grant in actor.grants):
        raise not_found(kind, id)


def _subject(command: Command, result: Any) -> str:
    """What the event is about: the result's id, else the first id the command names."""
    if isinstance(id := getattr(result, "id", None), str):
        return f"{type(result).__name__}/{id}"
    for field in type(command).__dataclass_fields__:
        if field.endswith("id") or field in ("month", "cycle"):
            return f"{field}/{getattr(command, field)}"
    return type(command).__name__
