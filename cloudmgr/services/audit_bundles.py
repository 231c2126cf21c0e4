"""审计取证包: all that led to a request or a settlement, in one archive that proves itself.

Owns what belongs to a subject and how it is packed. Every file's SHA-256 stands in the manifest,
every audit event about the records in its own file, with the head the chain had when it was made.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation, Reservation
from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.assessment import Assessment
from cloudmgr.domain.billing import CreditNote, Statement
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import forbidden
from cloudmgr.domain.incidents import Incident
from cloudmgr.domain.journal import PostingSet
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.domain.settlement import Payment, Settlement, TaxInvoice
from cloudmgr.domain.values import Value
from cloudmgr.domain.workorders import WorkOrder
from cloudmgr.services import codec
from cloudmgr.services.commands import snake
from cloudmgr.services.world import World

READERS = (Role.AUDIT_ADMIN, Role.AUTHORITY, Role.FINANCE)
_PACKED_AT = (1980, 1, 1, 0, 0, 0)  # the archive's own clock, so that equal evidence is equal bytes
_EVENTS_AT_ONCE = 5000
_SUBJECTS_AT_ONCE = 400

Member = tuple[str, bytes]


def request_bundle(world: World, id: str, actor: Actor, now: datetime) -> bytes:
    """The evidence of one request as a ZIP archive; raises `forbidden` and `not_found`."""
    _require_reader(actor)
    request = world.get(ResourceRequest, id)
    return _packed(world, request, _of_request(world, request), actor, now)


def settlement_bundle(world: World, id: str, actor: Actor, now: datetime) -> bytes:
    """The evidence of one settlement as a ZIP archive; raises `forbidden` and `not_found`."""
    _require_reader(actor)
    settlement = world.get(Settlement, id)
    return _packed(world, settlement, _of_settlement(world, settlement), actor, now)


def reads_bundles(actor: Actor) -> bool:
    return actor.has_for_city(*READERS)


def _require_reader(actor: Actor) -> None:
    if not reads_bundles(actor):
        raise forbidden("get_evidence_bundle", READERS)


def _of_request(world: World, request: ResourceRequest) -> Iterator[Value]:
    yield request
    for kind in (Approval, Reservation, WorkOrder, ServiceRating):
        yield from world.find(kind, request_id=request.id)
    named = {line.allocation_id for line in request.lines if line.allocation_id}
    named |= {each.id for each in world.find(Allocation, request_id=request.id)}
    allocations = world.find(Allocation, id=tuple(sorted(named))) if named else ()
    yield from allocations
    contracts = {each.contract_id for each in allocations}
    yield from world.find(Contract, id=tuple(sorted(contracts)))
    skus = tuple(sorted({line.sku_id for line in request.lines}))
    for pool_id in sorted({each.pool_id for each in allocations}):
        yield from world.find(Quote, pool_id=pool_id, sku_id=skus)


def _of_settlement(world: World, settlement: Settlement) -> Iterator[Value]:
    yield settlement
    yield world.get(Contract, settlement.contract_id)
    for kind in (TaxInvoice, Payment):
        yield from world.find(kind, settlement_id=settlement.id)
    assessment = world.seek(Assessment, settlement.assessment_id)
    if assessment is not None:
        yield assessment
    statements: set[str] = set()
    for month in settlement.months:
        lines = world.find(RatedLine, month=month, contract_id=settlement.contract_id)
        statements |= {line.statement_id for line in lines if line.statement_id}
        yield from lines
    papers = tuple(sorted(statements))
    yield from world.find(Statement, id=papers)
    yield from world.find(CreditNote, statement_id=papers)
    yield from world.find(PostingSet, source_id=(settlement.id, *papers))
    yield from world.find(Incident, provider_id=settlement.provider_id)


def _packed(
    world: World, about: Value, records: Iterable[Value], actor: Actor, now: datetime
) -> bytes:
    by_kind: dict[str, list[Value]] = {}
    subjects: list[str] = []
    for record in records:
        by_kind.setdefault(type(record).__name__, []).append(record)
        if hasattr(type(record), "LIFECYCLE"):
            subjects += _subjects(record)
    members: list[Member] = [
        (f"records/{snake(kind)}.json", _json([codec.dump(each) for each in some]))
        for kind, some in sorted(by_kind.items())
    ]
    members.append(("audit-events.json", _json(_events(world, subjects))))
    head = world.audit_head()
    settings = world.get(NodeSettings, NODE_ID)
    manifest = {
        "about": f"{type(about).__name__}/{about.id}",
        "made_at": now.astimezone(UTC).isoformat(),
        "made_for": actor.user_id,
        "city": settings.city,
        "rehearsal": settings.rehearsal,
        "mark": "模拟环境" if settings.rehearsal else "",
        "audit_digest": settings.audit_digest,
        "audit_head": {"sequence": head.sequence, "hash": head.hash} if head else None,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in members},
    }
    return _zip([("manifest.json", _json(manifest)), *members])


def _subjects(record: Value) -> tuple[str, ...]:
    """How events name the record: commands by what they answered or asked, dues by its bare id."""
    kind = type(record).__name__
    words = snake(kind)
    fields = {f"{words}_id", f"{words.rpartition('_')[2]}_id"}
    return (f"{kind}/{record.id}", record.id, *(f"{field}/{record.id}" for field in sorted(fields)))


def _events(world: World, subjects: list[str]) -> list[Any]:
    found = {}
    for start in range(0, len(subjects), _SUBJECTS_AT_ONCE):
        wanted, after = tuple(subjects[start : start + _SUBJECTS_AT_ONCE]), 0
        while page := world.audit_events(after=after, limit=_EVENTS_AT_ONCE, subjects=wanted):
            found.update({event.sequence: event for event in page})
            after = page[-1].sequence
    return [codec.dump(found[sequence]) for sequence in sorted(found)]


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1).encode()


def _zip(members: Iterable[Member]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, _PACKED_AT), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
