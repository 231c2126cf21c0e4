"""Files are taken for an organisation, recognised by their content and seen by their own only."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.files import FileContent, StoredFile
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region, RegionLevel
from cloudmgr.services.commands import perform, perform_once
from cloudmgr.services.files import UploadFile, file_content
from cloudmgr.services.memory import MemoryNode

NOW = datetime(2026, 1, 5, 2, tzinfo=UTC)
USER = Actor("USR-1", (Grant(Role.DEPARTMENT_USER, "ORG-1", "R"),))
OTHER = Actor("USR-2", (Grant(Role.DEPARTMENT_USER, "ORG-2", "R"),))
OFFICE = Actor("USR-3", (Grant(Role.AUTHORITY, "ORG-3", "R"),))
PDF = b"%PDF-1.7\n\x00\xff"


@pytest.fixture
def node() -> MemoryNode:
    node = MemoryNode()
    with node.transaction() as world:
        world.put(Region(id="R", name_zh="市", name_en="City", level=RegionLevel.CITY))
        for id in ("ORG-1", "ORG-2", "ORG-3"):
            world.put(
                Organisation(
                    id=id,
                    kind=OrganisationKind.DEPARTMENT,
                    name_zh=id,
                    name_en=id,
                    region_id="R",
                )
            )
    return node


def send(node: MemoryNode, name: str, data: bytes, actor: Actor = USER) -> StoredFile:
    with node.transaction() as world:
        sent: StoredFile = perform(world, UploadFile(name=name, data=data), actor, NOW)
        return sent


def test_a_file_comes_back_as_it_was_sent_to_its_own_and_to_the_offices(node: MemoryNode) -> None:
    file = send(node, "盖章件.pdf", PDF)
    with node.reading() as world:
        for actor in (USER, OFFICE):
            assert file_content(world, file.id, actor) == (file, PDF)
        with pytest.raises(CloudmgrError) as refused:
            file_content(world, file.id, OTHER)
    assert refused.value.code == "not_found"


def test_the_same_content_is_kept_once(node: MemoryNode) -> None:
    first, second = send(node, "a.pdf", PDF), send(node, "b.pdf", PDF, OTHER)
    assert first.sha256 == second.sha256
    assert first.id != second.id
    with node.reading() as world:
        assert len(world.find(FileContent)) == 1


def test_a_repeated_upload_answers_as_before(node: MemoryNode) -> None:
    command = UploadFile(name="a.pdf", data=PDF)
    with node.transaction() as world:
        first = perform_once(world, command, USER, NOW, key="key-00000001")
        assert perform_once(world, command, USER, NOW, key="key-00000001") == first


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b""),
        ("a.exe", b"MZ"),
        ("a.html", b"<script>"),
        ("a.pdf", b"\x89PNG\r\n\x1a\n"),
        ("a.xlsx", b"PK\x03\x04"),
        ("../a.pdf", PDF),
        ("pdf", PDF),
        ("a.csv", b"a\x00b"),
    ],
)
def test_what_is_not_taken_is_refused_with_a_reason(
    node: MemoryNode, name: str, data: bytes
) -> None:
    with pytest.raises(CloudmgrError) as refused:
        send(node, name, data)
    assert refused.value.code == "bad_file"


def test_a_word_document_is_no_workbook(node: MemoryNode) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert send(node, "a.docx", packed.getvalue()).name == "a.docx"
    with pytest.raises(CloudmgrError):
        send(node, "a.xlsx", packed.getvalue())


def test_nobody_sends_for_an_organisation_he_is_not_of(node: MemoryNode) -> None:
    with pytest.raises(CloudmgrError) as refused, node.transaction() as world:
        perform(world, UploadFile(name="a.pdf", data=PDF, organisation_id="ORG-2"), USER, NOW)
    assert refused.value.code == "not_found"
