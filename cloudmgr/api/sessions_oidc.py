"""The city's unified sign-on (OIDC): authorization code with PKCE, state and nonce, and an
id_token held against the provider's keys.

Owns the conversation with the provider. Whom its subject means, and the session that follows, is
the node's. Nothing here happens inside a transaction.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from cloudmgr.domain.errors import bad_value, sign_on_failed, sign_on_unavailable

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures only the provider can make; one with a shared secret is not among them."""

LEEWAY_SECONDS = 60
LONGEST_SIGN_ON = timedelta(minutes=10)
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Begun:
    """What a browser carries from the beginning of a sign-on to its end, in a cookie of its own."""

    state: str
    nonce: str
    verifier: str
    at: str
    then: str

    def packed(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def unpacked(cls, text: str | None) -> Begun:
        """Raises `sign_on_failed` for anything that is not ours."""
        try:
            found = json.loads(base64.urlsafe_b64decode((text or "").encode()))
            begun = cls(**found)
            if all(isinstance(each, str) for each in asdict(begun).values()):
                return begun
        except (binascii.Error, ValueError, TypeError):
            pass  # told below, in one sentence for all of them
        raise sign_on_failed("this browser has not begun one, or too long ago")


class SignOn:
    """A provider by its issuer, and what this node is called there."""

    def __init__(
        self, *, issuer: str, client: str, secret: str, redirect_url: str | None = None
    ) -> None:
        """Raises `bad_value` for an issuer that is reached without TLS over a network."""
        _require_safe(issuer, "CLOUDMGR_OIDC_ISSUER")
        self.issuer = issuer.rstrip("/")
        self.redirect_url = redirect_url
        self._client = client
        self._secret = secret
        self._lock = threading.Lock()
        self._provider: dict[str, Any] = {}
        self._keys: KeySet | None = None

    def begin(self, redirect_url: str, then: str, now: datetime) -> tuple[str, Begun]:
        """Where to send the browser, and what it must bring back."""
        begun = Begun(
            state=generate_token(43),
            nonce=generate_token(43),
            verifier=generate_token(64),
            at=now.isoformat(),
            then=then,
        )
        url: str = prepare_grant_uri(
            self._endpoint("authorization_endpoint"),
            self._client,
            "code",
            redirect_uri=redirect_url,
            scope="openid",
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )
        return url, begun

    def finish(
        self, begun: Begun, *, state: str, code: str, redirect_url: str, now: datetime
    ) -> str:
        """The subject that the provider vouches for.

        Raises `sign_on_failed` when anything of the answer is not the one to this beginning, and
        `sign_on_unavailable` when the provider cannot be asked.
        """
        if not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise sign_on_failed("the answer is to another beginning")
        if not _recent(begun.at, now):
            raise sign_on_failed("it took too long")
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=redirect_url,
            code=code,
            code_verifier=begun.verifier,
        )
        told = self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            content=body,
            auth=(self._client, self._secret),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        token = told.get("id_token")
        if not isinstance(token, str):
            raise sign_on_failed("the provider did not accept the code")
        return self._subject(token, begun.nonce, now)

    def _subject(self, token: str, nonce: str, now: datetime) -> str:
        """The subject of an id_token that is signed, ours, fresh and for this beginning."""
        try:
            decoded = self._decoded(token)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client},
                },
                params={"nonce": nonce, "client_id": self._client},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise sign_on_failed(f"its id_token does not hold ({error})") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject:
            raise sign_on_failed("its id_token names nobody")
        return subject

    def _decoded(self, token: str) -> jwt.Token:
        """Checked against the keys known; against fresh ones when they do not fit, for providers
        change their keys."""
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                self._keys = None
        keys = self._ask("GET", self._endpoint("jwks_uri"))
        self._keys = KeySet.import_key_set(keys)  # type: ignore[arg-type]
        return jwt.decode(token, self._keys, algorithms=ALGORITHMS)

    def _endpoint(self, name: str) -> str:
        with self._lock:
            if not self._provider:
                url = f"{self.issuer}/.well-known/openid-configuration"
                told = self._ask("GET", url)
                if str(told.get("issuer", "")).rstrip("/") != self.issuer:
                    raise sign_on_unavailable("its configuration is that of another issuer")
                self._provider = told
        found = self._provider.get(name)
        if not isinstance(found, str):
            raise sign_on_unavailable(f"its configuration names no {name}")
        _require_safe(found, name)
        return found

    def _ask(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        """A JSON object from the provider; a refusal (4xx) is one too."""
        try:
            answer = httpx.request(method, url, timeout=TIMEOUT_SECONDS, **more)
            told = answer.json()
        except httpx.HTTPError as error:
            raise sign_on_unavailable("it cannot be reached") from error
        except ValueError as error:
            raise sign_on_unavailable("it answered with no JSON") from error
        if answer.status_code >= 500 or not isinstance(told, dict):
            raise sign_on_unavailable(f"it answered with {answer.status_code}")
        return told


def _recent(at: str, now: datetime) -> bool:
    try:
        return timedelta() <= now - datetime.fromisoformat(at) <= LONGEST_SIGN_ON
    except (ValueError, TypeError):
        return False


def _require_safe(url: str, what: str) -> None:
    """Raise `bad_value` unless the URL is TLS, or plain on this machine."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not (parts.scheme == "https" and parts.hostname) and not local:
        raise bad_value(what, f"{url!r} is no https address")
