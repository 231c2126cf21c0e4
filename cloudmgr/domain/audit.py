"""The audit chain: one event per command, each hashed over the one before it (DOMAIN.md 12)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from catalog.period import utc
from cloudmgr.domain.errors import audit_broken
from cloudmgr.domain.values import Value

GENESIS = "0" * 64
Hash = Callable[[bytes], str]


class AuditDigest(StrEnum):
    """What a node chains its events with; decided when it is made and never changed."""

    SHA256 = "sha256"
    SM3 = "sm3"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sm3(content: bytes) -> str:
    """GB/T 32905, which offices in China may be bound to; part of OpenSSL behind hashlib."""
    return hashlib.new("sm3", content).hexdigest()


HASHES: Mapping[AuditDigest, Hash] = {AuditDigest.SHA256: sha256, AuditDigest.SM3: sm3}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Who did what, when, and the digests of what was before and after."""

    sequence: int
    at: datetime
    user_id: str
    role: str
    command: str
    subject: str
    before: str
    after: str
    request_id: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead(Value):
    """The chain's last event at the end of a day; `id` is the day.

    Sent outside and printed in the monthly report: whoever holds one can show that nothing up to
    it was altered since.
    """

    day: date
    sequence: int
    hash: str
    digest: AuditDigest


def link(
    *,
    previous: AuditEvent | None,
    at: datetime,
    user_id: str,
    role: str,
    command: str,
    subject: str,
    before: str,
    after: str,
    request_id: str,
    digest: Hash = sha256,
) -> AuditEvent:
    """The next event of the chain."""
    sequence = previous.sequence + 1 if previous else 1
    head = previous.hash if previous else GENESIS
    fields = (
        sequence, utc(at).isoformat(), user_id, role, command, subject, before, after,
        request_id, head,
    )  # fmt: skip
    return AuditEvent(
        sequence=sequence,
        at=utc(at),
        user_id=user_id,
        role=role,
        command=command,
        subject=subject,
        before=before,
        after=after,
        request_id=request_id,
        previous=head,
        hash=_hash(fields, digest),
    )


def verify(events: Iterable[AuditEvent], digest: Hash = sha256) -> int:
    """Walk the chain from its first event; return how many hold, raise `audit_broken` at the first
    that does not."""
    head, count = GENESIS, 0
    for event in events:
        count += 1
        if event.sequence != count:
            raise audit_broken(count, f"event {count} is missing, {event.sequence} follows")
        if event.previous != head:
            raise audit_broken(count, "it does not name the hash of the event before it")
        fields = (
            event.sequence, utc(event.at).isoformat(), event.user_id, event.role, event.command,
            event.subject, event.before, event.after, event.request_id, event.previous,
        )  # fmt: skip
        if _hash(fields, digest) != event.hash:
            raise audit_broken(count, "its contents were altered after it was written")
        head = event.hash
    return count


def _hash(fields: tuple[object, ...], digest: Hash) -> str:
    return digest(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode())
