"""The city's unified sign-on: a provider, a node and a browser, each a process or client of its
own, over real HTTP; and that nothing but the true answer to one's own beginning signs in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from catalog.errors import CloudmgrError, Invalid
from cloudmgr.api.sessions_oidc import Begun, SignOn
from tests.api.conftest import Copies
from tests.support.api import PASSWORD, Api, bearer, done, refused
from tests.support.provider import Browser, a_provider, changed
from tests.support.served import ServedNode, free_port

CLIENT = {"oidc_client": "the-node", "oidc_secret": "between us"}
SUBJECT = "330102-004711"
CALLBACK = "/api/v1/sessions/sign-on/callback"


@dataclass(frozen=True)
class Sides:
    """A node and the provider it trusts."""

    node: str
    issuer: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sign-on")


@pytest.fixture(scope="module")
def provider(folder: Path) -> Iterator[str]:
    with a_provider(folder, free_port(), "--require-nonce", "yes") as issuer:
        yield issuer


@pytest.fixture(scope="module")
def sides(copies: Copies, folder: Path, provider: str) -> Iterator[Sides]:
    with copies() as url, ServedNode(folder, url, oidc_issuer=provider, **CLIENT) as node:
        link(node.url, "d01.user", SUBJECT)
        yield Sides(node.url, provider)


@pytest.fixture
def browser(sides: Sides) -> Browser:
    return Browser(sides.node)


def link(node: str, user_id: str, subject: str | None) -> httpx.Response:
    credentials = {"login": "authority.sysadmin", "password": PASSWORD}
    token = done(httpx.post(f"{node}/api/v1/sessions", json=credentials))["token"]
    path = f"{node}/api/v1/users/{user_id}/sign-on"
    return httpx.post(path, json={"subject": subject}, headers=bearer(token))


def test_whom_the_sign_on_vouches_for_is_signed_in_by_cookie(browser: Browser) -> None:
    answer = browser.sign_on(SUBJECT, then="/months/2026-01")
    assert (answer.status_code, answer.headers["location"]) == (303, "/months/2026-01")
    me = done(browser.me())
    assert (me["user_id"], me["session"]["kind"]) == ("d01.user", "sign_on")
    assert me["csrf_token"] == browser.client.cookies["cloudmgr-csrf"]
    secret = [each for each in browser.client.cookies.jar if each.name == "cloudmgr"]
    assert secret[0].has_nonstandard_attr("HttpOnly")


def test_a_command_after_a_sign_on_needs_the_sessions_token_like_any_cookie(
    sides: Sides, browser: Browser
) -> None:
    browser.sign_on(SUBJECT)
    url = f"{sides.node}/api/v1/sessions/end"
    refused(browser.client.post(url), 403, "csrf_failed")
    told = {"X-CSRF-Token": browser.client.cookies["cloudmgr-csrf"]}
    done(browser.client.post(url, headers=told))
    refused(browser.me(), 401, "unauthenticated")


def test_whom_nobody_linked_gets_in_nowhere_and_no_account_is_made(
    sides: Sides, browser: Browser
) -> None:
    problem = refused(browser.sign_on("330102-999999"), 403, "unknown_subject")
    assert "system administrator" in problem["detail"]
    refused(browser.me(), 401, "unauthenticated")


def test_an_answer_with_another_state_is_refused(browser: Browser) -> None:
    back = browser.vouch(browser.begin(), SUBJECT)
    refused(browser.come_back(changed(back, state="another")), 403, "sign_on_failed")
    refused(browser.me(), 401, "unauthenticated")


def test_an_answer_brought_by_another_browser_is_refused(sides: Sides, browser: Browser) -> None:
    """Else a stranger could sign somebody's browser in as the stranger."""
    back = browser.vouch(browser.begin(), SUBJECT)
    other = Browser(sides.node)
    refused(other.come_back(back), 403, "sign_on_failed")
    other.begin()
    refused(other.come_back(back), 403, "sign_on_failed")


def test_an_answer_to_another_nonce_is_refused(browser: Browser) -> None:
    back = browser.vouch(changed(browser.begin(), nonce="another"), SUBJECT)
    assert "nonce" in refused(browser.come_back(back), 403, "sign_on_failed")["detail"]
    refused(browser.me(), 401, "unauthenticated")


def test_a_code_given_to_another_client_is_refused(browser: Browser) -> None:
    back = browser.vouch(changed(browser.begin(), client_id="another"), SUBJECT)
    refused(browser.come_back(back), 403, "sign_on_failed")


def test_a_code_is_good_once(browser: Browser) -> None:
    begun = browser.begin()
    kept = dict(browser.client.cookies)
    back = browser.vouch(begun, SUBJECT)
    assert browser.come_back(back).status_code == 303
    cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
    answer = httpx.get(back, headers={"Cookie": cookie})
    refused(answer, 403, "sign_on_failed")


def test_who_says_no_at_the_provider_is_not_signed_in(browser: Browser) -> None:
    begun = browser.begin()
    answer = browser.client.post(begun, data={"action": "deny"})
    back = changed(begun.partition("?")[0], error="access_denied", state=_state(begun))
    assert answer.status_code in (302, 303, 400)
    url = f"{browser.node}{CALLBACK}?{back.partition('?')[2]}"
    refused(browser.come_back(url), 403, "sign_on_failed")


def test_the_proof_of_the_code_and_the_nonce_go_to_the_provider(browser: Browser) -> None:
    asked = parse_qs(urlsplit(browser.begin()).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["code_challenge"][0]) == 43
    assert {"state", "nonce", "redirect_uri", "scope"} <= set(asked)
    again = parse_qs(urlsplit(browser.begin()).query)
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != again[name]


@pytest.mark.parametrize(
    "then", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "elsewhere", ""]
)
def test_a_sign_on_ends_at_a_page_of_this_node(browser: Browser, then: str) -> None:
    answer = browser.sign_on(SUBJECT, then=then)
    assert answer.headers["location"] == "/"


def test_who_has_left_is_told_as_a_stranger(sides: Sides, browser: Browser) -> None:
    link(sides.node, "d02.user", "who-leaves")
    assert Browser(sides.node).sign_on("who-leaves").status_code == 303
    credentials = {"login": "authority.sysadmin", "password": PASSWORD}
    token = done(httpx.post(f"{sides.node}/api/v1/sessions", json=credentials))["token"]
    path = f"{sides.node}/api/v1/users/d02.user/deactivation"
    done(httpx.post(path, headers=bearer(token)))
    refused(browser.sign_on("who-leaves"), 403, "unknown_subject")


def test_a_subject_is_one_persons(sides: Sides) -> None:
    refused(link(sides.node, "d03.user", SUBJECT), 409, "already_exists")
    refused(link(sides.node, "authority.secadmin", "x"), 409, "administrators_credentials")


def test_an_expired_answer_is_refused(copies: Copies, folder: Path) -> None:
    with (
        a_provider(folder, free_port(), "--token-max-age", "-7200") as issuer,
        copies() as url,
        ServedNode(folder, url, oidc_issuer=issuer, **CLIENT) as node,
    ):
        link(node.url, "d01.user", SUBJECT)
        problem = refused(Browser(node.url).sign_on(SUBJECT), 403, "sign_on_failed")
        assert "expired" in problem["detail"]


def test_a_provider_that_changed_its_keys_is_asked_for_them_and_one_away_is_told(
    copies: Copies, folder: Path
) -> None:
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    with copies() as url, ServedNode(folder, url, oidc_issuer=issuer, **CLIENT) as node:
        link(node.url, "d01.user", SUBJECT)
        away = httpx.get(f"{node.url}/api/v1/sessions/sign-on")
        refused(away, 503, "sign_on_unavailable")
        assert away.headers["retry-after"]
        for _ in range(2):  # each provider makes its own key
            with a_provider(folder, port):
                assert Browser(node.url).sign_on(SUBJECT).status_code == 303


def test_a_node_without_a_sign_on_says_so(city: Api) -> None:
    refused(city.get("sessions/sign-on"), 404, "no_sign_on")
    refused(city.get("sessions/sign-on/callback", code="c", state="s"), 404, "no_sign_on")


def _state(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


# --- what no honest provider says ------------------------------------------------------------

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
KEY = RSAKey.generate_key(2048, parameters={"kid": "k"})
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example", "aud": "the-node", "sub": SUBJECT, "nonce": "n",
    "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 300,
}  # fmt: skip


class Told(SignOn):
    """A sign-on whose provider's keys are at hand."""

    def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        if url.endswith("openid-configuration"):
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        return {"keys": [KEY.as_dict(private=False)]}

    def subject(self, claims: dict[str, Any], key: Any = KEY, **header: Any) -> str:
        token = jwt.encode({"alg": "RS256", "kid": "k", **header}, claims, key)
        return self._subject(token, "n", NOW)


@pytest.fixture
def told() -> Told:
    return Told(issuer="https://id.example", client="the-node", secret="between us")


def test_a_true_id_token_names_its_subject(told: Told) -> None:
    assert told.subject(CLAIMS) == SUBJECT


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"},
        {"aud": ["another", "the-node"], "azp": "another"},
        {"iss": "https://id.example.evil"},
        {"nonce": "another"},
        {"exp": CLAIMS["iat"] - 61},
        {"nbf": CLAIMS["iat"] + 3600},
        {"sub": ""},
        {"sub": 7},
    ],
    ids=["audience", "party", "issuer", "nonce", "expired", "not yet", "nobody", "no text"],
)
def test_an_id_token_that_is_wrong_in_one_claim_is_refused(
    told: Told, wrong: dict[str, Any]
) -> None:
    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        told.subject({**CLAIMS, **wrong})


@pytest.mark.parametrize("missing", ["aud", "iss", "nonce", "exp", "sub", "iat"])
def test_an_id_token_that_lacks_a_claim_is_refused(told: Told, missing: str) -> None:
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        told.subject(claims)


def test_an_id_token_signed_by_somebody_else_is_refused(told: Told) -> None:
    other = RSAKey.generate_key(2048, parameters={"kid": "k"})
    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        told.subject(CLAIMS, other)


def test_an_id_token_signed_with_a_shared_secret_or_not_at_all_is_refused(told: Told) -> None:
    shared = OctKey.import_key("between us, but at least thirty-two bytes")
    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        told.subject(CLAIMS, shared, alg="HS256")

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        told._subject(f"{part({'alg': 'none'})}.{part(CLAIMS)}.", "n", NOW)


@pytest.mark.parametrize("after", [timedelta(minutes=11), timedelta(seconds=-1)])
def test_a_beginning_is_good_for_some_minutes(told: Told, after: timedelta) -> None:
    begun = Begun(state="s", nonce="n", verifier="v", at=NOW.isoformat(), then="/")
    with pytest.raises(CloudmgrError, match="took too long"):
        told.finish(begun, state="s", code="c", redirect_url="x", now=NOW + after)


@pytest.mark.parametrize(
    "text", [None, "", "é", "bm90IGpzb24=", "W10=", "e30=", "eyJzdGF0ZSI6MX0="]
)
def test_what_a_browser_brings_that_is_not_ours_is_refused(text: str | None) -> None:
    with pytest.raises(CloudmgrError, match="sign_on_failed"):
        Begun.unpacked(text)


@pytest.mark.parametrize("issuer", ["http://id.example", "ftp://id.example", "id.example", ""])
def test_an_issuer_over_an_open_network_is_refused(issuer: str) -> None:
    with pytest.raises(Invalid, match="https"):
        SignOn(issuer=issuer, client="c", secret="s")
