"""Files over HTTP: sent as a form, fetched as they were, hidden from others."""

from __future__ import annotations

import httpx
import pytest

from cloudmgr.domain.files import MAX_FILE_BYTES
from tests.support.api import Api, done

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def upload(city: Api, login: str | None, name: str, data: bytes) -> httpx.Response:
    return city.request("POST", "files", login, files={"file": (name, data, "text/html")})


def test_a_scan_is_sent_and_fetched_as_a_download(city: Api) -> None:
    sent = upload(city, "d01.user", "盖章 件.png", PNG)
    assert sent.status_code == 201
    file = done(sent)
    assert file["media_type"] == "image/png"
    fetched = city.get(f"files/{file['id']}/content", "d01.user")
    assert fetched.content == PNG
    assert fetched.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E7")
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert done(city.get(f"files/{file['id']}", "d01.user")) == file


def test_a_foreign_file_is_not_there(city: Api) -> None:
    file = done(upload(city, "d01.user", "a.png", PNG))
    for path in (f"files/{file['id']}", f"files/{file['id']}/content"):
        assert city.get(path, "d02.user").status_code == 404
        assert city.get(path).status_code == 401
    assert file["id"] not in {each["id"] for each in city.items("files", "d02.user")}


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [("a.exe", b"MZ", 422), ("a.png", b"%PDF-", 422), ("a.png", bytes(MAX_FILE_BYTES * 2), 413)],
)
def test_what_is_not_taken_is_told(city: Api, name: str, data: bytes, status: int) -> None:
    answer = upload(city, "d01.user", name, data)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
