"""The audit chain: whoever alters, removes or reorders an event breaks it there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.audit import GENESIS, AuditEvent, link, sha256, verify
from tests.support.assessments import at


def chained(length: int = 4, **how: Any) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    for number in range(length):
        events.append(
            link(
                previous=events[-1] if events else None,
                at=at(f"01-0{number + 1} 09:00"),
                user_id="clerk",
                role="department_user",
                command="draft_request",
                subject=f"ResourceRequest/REQ-{number}",
                before="",
                after="f" * 64,
                request_id="",
                **how,
            )
        )
    return events


def broken_at(events: list[AuditEvent]) -> int:
    with pytest.raises(CloudmgrError) as refused:
        verify(events)
    assert refused.value.code == "audit_broken"
    return int(refused.value.details["sequence"])


def test_an_untouched_chain_holds_from_the_first_event_to_the_last() -> None:
    events = chained()
    assert verify(events) == 4
    assert events[0].previous == GENESIS
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert verify([]) == 0


@pytest.mark.parametrize(
    "field", ["at", "user_id", "role", "command", "subject", "before", "after", "request_id"]
)
def test_an_altered_event_is_named_whatever_was_altered(field: str) -> None:
    events = chained()
    other: Any = at("06-06 06:06") if field == "at" else "altered"
    events[2] = replace(events[2], **{field: other})
    assert broken_at(events) == 3


def test_an_event_altered_with_a_new_hash_breaks_at_the_next() -> None:
    events = chained()
    forged = link(
        previous=events[1],
        at=events[2].at,
        user_id="somebody else",
        role="",
        command="",
        subject="",
        before="",
        after="",
        request_id="",
    )
    events[2] = forged
    assert broken_at(events) == 4


def test_a_removed_event_is_missed_and_reordered_ones_are_seen() -> None:
    events = chained()
    assert broken_at([events[0], *events[2:]]) == 2
    assert broken_at([events[0], events[2], events[1], events[3]]) == 2
    assert broken_at(events[1:]) == 1


def test_the_digest_can_be_another_one_and_must_be_the_same_to_verify() -> None:
    def other(content: bytes) -> str:
        return sha256(b"salt" + content)

    events = chained(digest=other)
    assert verify(events, other) == 4
    assert broken_at(events) == 1


def test_fields_do_not_run_into_each_other() -> None:
    one, two = chained(1)[0], chained(1)[0]
    left = replace(one, command="ab", subject="c")
    right = replace(two, command="a", subject="bc")
    hashes = {
        link(
            previous=None,
            at=event.at,
            user_id=event.user_id,
            role=event.role,
            command=event.command,
            subject=event.subject,
            before="",
            after="",
            request_id="",
        ).hash
        for event in (left, right)
    }
    assert len(hashes) == 2
