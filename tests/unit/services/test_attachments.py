"""Papers under a request: who attaches what and when, and which of them a policy asks for."""

from __future__ import annotations

import pytest

from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.attachments import (
    Attachment,
    AttachmentKind,
    AttachmentRule,
    AttachmentState,
)
from cloudmgr.domain.errors import NotFound
from cloudmgr.domain.files import StoredFile
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.attachments import AttachFile, DetachFile, attached_content
from cloudmgr.services.files import UploadFile
from cloudmgr.services.requests import SubmitRequest, WithdrawRequest
from cloudmgr.services.requests_evidence import seen_attachment
from tests.support.requests import (
    completed,
    drafted,
    resubmitted,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import Town, a_town

STAMPED, PROOF = AttachmentKind.STAMPED_FORM, AttachmentKind.FILING_PROOF


@pytest.fixture
def town() -> Town:
    return a_town()


def uploaded(town: Town, by: str = "health.user", content: bytes = b"one") -> str:
    file: StoredFile = town.give(UploadFile(name="scan.pdf", data=b"%PDF-" + content), by)
    return file.id


def attach(
    request: ResourceRequest, file_id: str, kind: AttachmentKind = AttachmentKind.OTHER
) -> AttachFile:
    return AttachFile(request_id=request.id, file_id=file_id, label="a paper", kind=kind)


def test_an_attachment_keeps_what_the_file_was(town: Town) -> None:
    request = drafted(town)
    file = town.look(StoredFile, uploaded(town))
    found: Attachment = town.give(attach(request, file.id), "health.user")
    assert (found.name, found.media_type, found.size_bytes, found.sha256) == (
        "scan.pdf",
        "application/pdf",
        8,
        file.sha256,
    )
    with town.reading() as world:
        assert attached_content(world, found) == b"%PDF-one"


def test_what_others_sign_does_not_change_under_their_hands(town: Town) -> None:
    request = drafted(town)
    attached = town.give(attach(request, uploaded(town)), "health.user")
    request = town.give(SubmitRequest(request_id=request.id), "health.user")
    another = attach(request, uploaded(town, content=b"two"))
    detach = DetachFile(attachment_id=attached.id)
    assert town.code(another, "health.user") == "attachment_not_now"
    assert town.code(detach, "health.user") == "attachment_not_now"
    request = signed(town, signed_until(town, request, "technical"), Decision.RETURN)
    town.give(another, "health.lead")
    assert town.give(detach, "health.user").state is AttachmentState.DETACHED
    assert town.code(detach, "health.user") == "illegal_transition"
    assert len(town.all(Attachment)) == 2, "what was taken off is kept"


def test_the_stamped_form_comes_after_the_signature_and_stays(town: Town) -> None:
    request = submitted(town)
    scan = attach(request, uploaded(town), STAMPED)
    attached = town.give(scan, "health.lead")
    detach = DetachFile(attachment_id=attached.id)
    assert town.code(detach, "health.lead") == "attachment_not_now"
    finished = completed(town)
    town.give(attach(finished, uploaded(town), STAMPED), "health.user")
    draft = drafted(town)
    town.give(WithdrawRequest(request_id=draft.id, reason="r"), "health.user")
    assert town.code(attach(draft, uploaded(town), STAMPED), "health.user") == "attachment_not_now"


def test_only_the_departments_people_attach_files_of_their_own(town: Town) -> None:
    request, own = drafted(town), uploaded(town)
    foreign = uploaded(town, "transport.user")
    assert town.code(attach(request, own), "transport.user") == "not_found"
    assert town.code(attach(request, foreign), "health.user") == "not_found"
    assert town.code(attach(request, "FILE-99999999"), "health.user") == "not_found"
    assert town.code(attach(request, own), "bureau.a") == "forbidden"
    attached = town.give(attach(request, own), "health.user")
    detach = DetachFile(attachment_id=attached.id)
    assert town.code(detach, "transport.user") == "not_found"


def test_the_same_paper_is_attached_once_and_named(town: Town) -> None:
    request, file_id = drafted(town), uploaded(town)
    town.give(attach(request, file_id), "health.user")
    assert town.code(attach(request, file_id), "health.user") == "bad_value"
    town.give(attach(request, file_id, PROOF), "health.user")
    silent = AttachFile(request_id=request.id, file_id=file_id, label=" ")
    assert town.code(silent, "health.user") == "bad_value"


def test_whoever_sees_the_request_sees_its_papers_and_nobody_else(town: Town) -> None:
    request = submitted(town)
    attached = town.give(attach(request, uploaded(town), STAMPED), "health.user")

    def sees(login: str) -> bool:
        with town.reading() as world:
            try:
                seen_attachment(world, town.actor(login), attached.id, town.now)
            except NotFound:
                return False
            return True

    assert all(sees(login) for login in ("health.user", "health.lead", "centre.a", "bureau.a"))
    assert not any(sees(login) for login in ("transport.user", "prv.engineer", "county-centre.a"))


def test_a_policy_asks_for_papers_before_a_request_is_submitted(town: Town) -> None:
    rule = AttachmentRule(attachment=PROOF, kinds=(RequestKind.MIGRATE_IN,), min_mlps_level=3)
    town.change(town.look(Policy, "policy"), attachments=(rule,))
    application = town.look(Application, "health-app")
    town.change(application, mlps_level=3, filing_proof="no. 1")
    submit = SubmitRequest(request_id=drafted(town, kind=RequestKind.MIGRATE_IN).id)
    refused = town.refusal(submit, "health.user")
    assert (refused.code, "filing_proof" in refused.message) == ("attachment_missing", True)
    request = town.look(ResourceRequest, submit.request_id)
    attached = town.give(attach(request, uploaded(town), PROOF), "health.user")
    town.give(DetachFile(attachment_id=attached.id), "health.user")
    assert town.code(submit, "health.user") == "attachment_missing"
    town.give(attach(request, uploaded(town), PROOF), "health.user")
    assert town.give(submit, "health.user").state is RequestState.UNIT_SIGNING
    town.give(SubmitRequest(request_id=drafted(town).id), "health.user")  # a new one needs none


def test_a_returned_request_needs_its_papers_again(town: Town) -> None:
    request = signed(town, signed_until(town, submitted(town), "acceptance"), Decision.RETURN)
    rule = AttachmentRule(attachment=AttachmentKind.PROJECT_APPROVAL)
    town.change(town.look(Policy, "policy"), attachments=(rule,))
    with pytest.raises(Exception, match="attachment_missing"):
        resubmitted(town, request)
    kind = AttachmentKind.PROJECT_APPROVAL
    town.give(attach(request, uploaded(town), kind), "health.lead")
    assert resubmitted(town, request).state is RequestState.SUBMITTED
