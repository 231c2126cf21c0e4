"""Sessions by cookie: a browser sends them by itself, so a command must prove whose page it is."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from cloudmgr.api.edge import Edge
from cloudmgr.domain.sessions import csrf_token
from cloudmgr.services.sessions_tokens import COOKIE_SECRET
from tests.support.api import PASSWORD, Api, application, bearer, done, refused, secret_of

DRAFT = {
    "department_id": "d01", "application_id": "A01", "kind": "new", "reason": "by cookie",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}],
}  # fmt: skip


class Browser:
    """Keeps the session's cookie and sends it along, as browsers do."""

    def __init__(self, api: Api, login: str, password: str = PASSWORD) -> None:
        self.api = api
        self.answer = api.post("sessions/cookie", body={"login": login, "password": password})
        self.told = done(self.answer)
        self.cookies = cookies_of(self.answer)
        self.secret = self.cookies["__Host-cloudmgr"].value

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {"Cookie": f"__Host-cloudmgr={self.secret}"}
        return self.api.request(method, path, json=body, headers=told | headers)

    def command(self, path: str, body: Any = None) -> httpx.Response:
        """As our own pages send it."""
        return self.request("POST", path, body, **{"X-CSRF-Token": self.told["csrf_token"]})


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    found = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        found.load(header)
    return found


@pytest.fixture
def browser(city: Api) -> Browser:
    return Browser(city, "d01.user")


def test_the_secret_is_in_a_cookie_that_no_script_reads_and_in_no_body(browser: Browser) -> None:
    cookie = browser.cookies["__Host-cloudmgr"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"].lower() == "lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert browser.secret not in browser.answer.text
    readable = browser.cookies["cloudmgr-csrf"]
    assert readable.value == browser.told["csrf_token"]
    assert not readable["httponly"]
    assert readable["secure"]


def test_reading_needs_only_the_cookie(browser: Browser) -> None:
    assert done(browser.request("GET", "me"))["user_id"] == "d01.user"
    done(browser.request("GET", "requests"))


def test_a_command_by_cookie_with_the_sessions_token_is_done(browser: Browser) -> None:
    assert done(browser.command("requests", DRAFT))["submitter_id"] == "d01.user"


@pytest.mark.parametrize("told", [None, "", "0" * 64, "é", csrf_token("cms_another")])
def test_a_command_by_cookie_without_the_right_token_changes_nothing(
    browser: Browser, told: str | None
) -> None:
    before = len(browser.api.items("requests", "d01.user", limit=500))
    headers: Any = {} if told is None else {"X-CSRF-Token": told.encode()}
    refused(browser.request("POST", "requests", DRAFT, **headers), 403, "csrf_failed")
    assert len(browser.api.items("requests", "d01.user", limit=500)) == before


def test_the_token_of_another_session_of_the_same_person_is_wrong(
    city: Api, browser: Browser
) -> None:
    other = Browser(city, "d01.user")
    told = {"X-CSRF-Token": other.told["csrf_token"]}
    refused(browser.request("POST", "requests", DRAFT, **told), 403, "csrf_failed")
    done(other.command("requests", DRAFT))


def test_every_route_that_is_no_get_asks_for_the_token(browser: Browser) -> None:
    clock = {"now": "2026-01-01T00:00:00Z"}
    refused(browser.request("PUT", "rehearsal/clock", clock), 403, "csrf_failed")
    refused(browser.request("POST", "periods/2026-01/close"), 403, "csrf_failed")
    refused(browser.request("PUT", "pools/x/usage-batches/y", {}), 403, "csrf_failed")
    refused(browser.request("POST", "sessions/end"), 403, "csrf_failed")


def test_a_bearer_token_needs_no_proof_for_no_browser_adds_it(browser: Browser) -> None:
    answer = browser.request("POST", "requests", DRAFT, **bearer(secret_of("d01.user")))
    assert answer.status_code == 201, answer.text


def test_a_cookies_secret_is_no_bearer_token_and_a_bearer_token_no_cookie(
    city: Api, browser: Browser
) -> None:
    assert browser.secret.startswith(COOKIE_SECRET)
    answer = city.request("GET", "me", headers=bearer(browser.secret))
    refused(answer, 401, "unauthenticated")
    cookie = {"Cookie": f"__Host-cloudmgr={secret_of('d01.user')}"}
    refused(city.request("GET", "me", headers=cookie), 401, "unauthenticated")


def test_without_tls_no_cookie_counts_but_on_the_machine_itself(browser: Browser) -> None:
    plain = {"Cookie": f"cloudmgr={browser.secret}"}
    refused(browser.api.request("GET", "me", headers=plain), 401, "unauthenticated")
    here = "http://127.0.0.1:8000/api/v1/me"
    assert done(_at(browser.api, here, plain))["user_id"] == "d01.user"
    host = {"Cookie": f"__Host-cloudmgr={browser.secret}"}
    refused(_at(browser.api, here, host), 401, "unauthenticated")


def test_plain_http_is_a_setting(browser: Browser) -> None:
    plain = {"Cookie": f"cloudmgr={browser.secret}"}
    answer = _at(browser.api, "http://cloud.example/api/v1/me", plain, plain_http=True)
    assert done(answer)["user_id"] == "d01.user"


def _at(api: Api, url: str, headers: dict[str, str], *, plain_http: bool = False) -> httpx.Response:
    """A request to a node as another address reaches it."""
    application().state.edge = Edge(api.node, plain_http=plain_http)
    return api.run(api.client.get(url, headers=headers))


def test_who_signs_out_is_out_and_the_cookies_are_taken_back(browser: Browser) -> None:
    answer = browser.command("sessions/end")
    assert done(answer) == {"ended": True}
    for cookie in cookies_of(answer).values():
        assert cookie.value == ""
        assert cookie["max-age"] == "0"
    refused(browser.request("GET", "me"), 401, "unauthenticated")


def test_signing_out_ends_one_session_only(city: Api, browser: Browser) -> None:
    other = Browser(city, "d01.user")
    done(browser.command("sessions/end"))
    done(other.request("GET", "me"))


def test_a_form_of_a_foreign_page_signs_nobody_in(city: Api) -> None:
    """A form cannot send JSON; else a stranger could sign a browser in as themselves."""
    form = {"login": "d01.user", "password": PASSWORD}
    refused(city.request("POST", "sessions/cookie", data=form), 422, "malformed")
    text = f'{{"login": "d01.user", "password": "{PASSWORD}"}}'
    headers = {"Content-Type": "text/plain"}
    answer = city.request("POST", "sessions/cookie", content=text, headers=headers)
    refused(answer, 422, "malformed")


def test_me_says_what_roles_i_hold_in_what(browser: Browser) -> None:
    me = done(browser.request("GET", "me"))
    assert [(each["role"], each["organisation_id"]) for each in me["roles"]] == [
        ("department_user", "d01")
    ]
    assert me["session"]["kind"] == "cookie"
    assert me["csrf_token"] == browser.told["csrf_token"]


def test_me_by_bearer_token_tells_no_proof(city: Api) -> None:
    me = done(city.get("me", "d41.reviewer"))
    assert me["csrf_token"] is None
    assert me["session"]["kind"] == "bearer"
    assert me["roles"][0]["role"] == "county_reviewer"
