"""The chain's head is kept every day, in the digest the node was made with; bundles prove it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import date, timedelta

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.cities.load import load_city
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.applications import Application
from cloudmgr.domain.audit import AuditDigest, AuditHead, sha256, sm3, verify
from cloudmgr.domain.requests import RequestKind, RequestLine
from cloudmgr.services.audit_bundles import request_bundle
from cloudmgr.services.clock import run_due
from cloudmgr.services.commands import perform
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.requests import DraftRequest
from cloudmgr.services.sessions import actor_of

AUDITOR = Actor("auditor", (Grant(Role.AUDIT_ADMIN, "dc", "jiangzhou"),))


def loaded(digest: AuditDigest = AuditDigest.SHA256) -> MemoryNode:
    node = MemoryNode()
    with node.transaction() as world:
        load_city(world, "reference", audit_digest=digest)
    return node


def test_the_standard_example_of_sm3_is_met() -> None:
    """GB/T 32905-2016, annex A.1."""
    expected = "66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0"
    assert sm3(b"abc") == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("digest", "holds", "other"),
    [(AuditDigest.SHA256, sha256, sm3), (AuditDigest.SM3, sm3, sha256)],
)
def test_a_chain_holds_in_the_digest_its_node_was_made_with(digest, holds, other) -> None:  # type: ignore[no-untyped-def]
    node = loaded(digest)
    assert verify(node.events, holds) == len(node.events) > 0
    with pytest.raises(CloudmgrError):
        verify(node.events, other)


def test_every_day_leaves_the_head_it_ended_with_and_sends_it_out() -> None:
    node = loaded()
    with node.transaction() as world:
        opens = world.audit_events(limit=1)[0].at
        run_due(world, opens + timedelta(days=3))
        heads = world.find(AuditHead)
    assert [head.day for head in heads] == [date(2026, 1, 1) + timedelta(days=n) for n in range(3)]
    for head in heads:
        assert node.events[head.sequence - 1].hash == head.hash
        assert node.events[head.sequence - 1].at <= opens + timedelta(days=(head.day.day))


def test_a_bundle_holds_the_request_its_events_and_the_digest_of_every_file() -> None:
    node = loaded()
    with node.transaction() as world:
        now = world.audit_events(limit=1)[0].at
        user = actor_of(world, "d01.user")
        department = next(iter(user.organisations()))

        application = world.find(Application, department_id=department)[0]
        command = DraftRequest(
            department_id=department,
            application_id=application.id,
            kind=RequestKind.NEW,
            reason="more room",
            lines=(RequestLine(line=1, sku_id="vm-x86-2c4g", quantity=1),),
        )
        request = perform(world, command, user, now)
        data = request_bundle(world, request.id, AUDITOR, now)
        again = request_bundle(world, request.id, AUDITOR, now)
        with pytest.raises(CloudmgrError) as refused:
            request_bundle(world, request.id, user, now)
    assert refused.value.code == "forbidden"
    assert data == again
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        events = json.loads(archive.read("audit-events.json"))
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert manifest["mark"] == "模拟环境"
    assert [event["command"] for event in events] == ["draft_request"]
    assert "records/resource_request.json" in manifest["files"]
