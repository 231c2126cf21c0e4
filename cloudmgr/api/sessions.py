"""Signing in by password or by the city's sign-on, signing out, and who is signed in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from catalog.errors import CloudmgrError
from cloudmgr.api.edge import Edge, EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.sessions_oidc import LONGEST_SIGN_ON, Begun, SignOn
from cloudmgr.domain.errors import no_sign_on, sign_on_failed
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import TokenKind, User
from cloudmgr.domain.sessions import MAX_PASSWORD_LENGTH, Attempt, csrf_token
from cloudmgr.services import codec
from cloudmgr.services.parties_people import ChangePassword, Person
from cloudmgr.services.sessions import (
    SignedIn,
    authenticate,
    check_password,
    open_session,
    user_of_subject,
)
from cloudmgr.services.sessions_attempts import record_failure, require_allowed
from cloudmgr.services.sessions_tokens import COOKIE_SECRET, LogOut, Me, who_am_i
from cloudmgr.services.world import World

router = APIRouter(tags=["sessions"])

CSRF_COOKIE = "cloudmgr-csrf"
"""Our own pages' scripts read it and send its text in the header."""

SIGN_ON_PATH = "/api/v1/sessions/sign-on"
_Password = Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD_LENGTH)]
_Text = Annotated[str, Query(max_length=4000)]


class Credentials(BaseModel):
    """A login name and its password."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"login": "d01.user", "password": "the pass phrase"}]},
    )

    login: Annotated[str, Field(min_length=1, max_length=200)]
    password: _Password


class Passwords(BaseModel):
    """The password until now, and the one from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"old_password": "the pass phrase", "new_password": "another, longer one"}]
        },
    )

    old_password: _Password
    new_password: _Password


class CookieSession(BaseModel):
    """A session whose secret is in a cookie that no script reads."""

    user_id: str
    expires_at: datetime
    password_due: bool
    csrf_token: str


class SignedOut(BaseModel):
    """The session is over."""

    ended: bool


@router.post(
    "/sessions",
    operation_id="log_in",
    summary="Log in",
    status_code=201,
    response_model=SignedIn,
    responses=responses(401, 422, 429, 503),
)
def post_session(request: Request, edge: EdgeOf, credentials: Credentials) -> Any:
    """Exchange a password for a bearer token, which is told this once."""
    secret = secrets.token_urlsafe(32)
    return codec.dump(_by_password(edge, request, credentials, secret, TokenKind.BEARER)[0])


@router.post(
    "/sessions/cookie",
    operation_id="log_in_by_cookie",
    summary="Log in with a browser",
    status_code=201,
    response_model=CookieSession,
    responses=responses(401, 422, 429, 503),
)
def post_cookie_session(
    request: Request, response: Response, edge: EdgeOf, credentials: Credentials
) -> Any:
    """Exchange a password for a session cookie that no script can read.

    Every command that comes with the cookie needs the `csrf_token` in the header `X-CSRF-Token`.
    """
    secret = COOKIE_SECRET + secrets.token_urlsafe(32)
    signed_in, user = _by_password(edge, request, credentials, secret, TokenKind.COOKIE)
    set_cookies(response, edge, request, secret)
    return CookieSession(
        user_id=user.id,
        expires_at=signed_in.expires_at,
        password_due=user.password_due,
        csrf_token=csrf_token(secret),
    )


@router.post(
    "/sessions/end",
    operation_id="log_out",
    summary="Log out",
    response_model=SignedOut,
    responses=responses(401, 403, 409, 422),
)
def post_log_out(
    request: Request,
    response: Response,
    edge: EdgeOf,
    secret: SecretOf,
    request_id: RequestId = None,
) -> Any:
    """End the session this comes with; a browser's cookies are taken back. Roles: everybody."""
    edge.perform(secret, LogOut(), key=None, request_id=request_id or "")
    for name in (edge.cookie_name(request), CSRF_COOKIE):
        _set(response, edge, request, name, "", http_only=True, max_age=0)
    return SignedOut(ended=True)


@router.get(
    "/me",
    operation_id="get_me",
    summary="Who is signed in",
    response_model=Me,
    responses=responses(401),
)
def get_me(edge: EdgeOf, secret: SecretOf) -> Any:
    """Who I am, with what roles in what organisations, and by what token or session."""
    with edge.node.reading() as world:
        return codec.dump(who_am_i(world, authenticate(world, secret, edge.now(world)), secret))


@router.post(
    "/me/password",
    operation_id="change_password",
    summary="Change one's password",
    response_model=Person,
    responses=responses(401, 403, 409, 422, 429),
)
def post_password(
    request: Request,
    edge: EdgeOf,
    secret: SecretOf,
    body: Passwords,
    request_id: RequestId = None,
) -> Any:
    """The old password is needed, and wrong ones count as failed attempts to sign in. Ends one's
    other sessions. Roles: everybody.
    """
    with edge.node.reading() as world:
        user = world.get(User, authenticate(world, secret, edge.now(world)).user_id)
    command = ChangePassword(old_password=body.old_password, new_password=body.new_password)
    with guessing(edge, attempt_of(edge, request, user.login)):
        return codec.dump(edge.perform(secret, command, key=None, request_id=request_id or ""))


@router.get(
    "/sessions/sign-on",
    operation_id="get_sign_on",
    summary="Sign in with the city's unified sign-on",
    status_code=302,
    response_class=RedirectResponse,
    responses=responses(404, 422, 503),
)
def get_sign_on(request: Request, edge: EdgeOf, then: _Text = "/") -> Response:
    """Sends the browser to the city's sign-on, which sends it back to the callback; `then` is the
    page of this node to end at."""
    sign_on = _sign_on(edge)
    url, begun = sign_on.begin(_callback(sign_on, request), _own_page(then), edge.clock())
    response = RedirectResponse(url, status_code=302)
    life = int(LONGEST_SIGN_ON.total_seconds())
    name = _begun_cookie(edge, request)
    _set(response, edge, request, name, begun.packed(), http_only=True, max_age=life)
    return response


@router.get(
    "/sessions/sign-on/callback",
    operation_id="get_sign_on_callback",
    summary="Where the city's unified sign-on sends the browser back to",
    status_code=303,
    response_class=RedirectResponse,
    responses=responses(403, 404, 422, 503),
)
def get_sign_on_callback(
    request: Request, edge: EdgeOf, state: _Text = "", code: _Text = "", error: _Text = ""
) -> Response:
    """Opens a cookie session for the person whom the sign-on vouches for."""
    sign_on = _sign_on(edge)
    begun = Begun.unpacked(request.cookies.get(_begun_cookie(edge, request)))
    if error or not code:
        raise sign_on_failed("the sign-on gave no code")
    subject = sign_on.finish(
        begun, state=state, code=code, redirect_url=_callback(sign_on, request), now=edge.clock()
    )
    secret = COOKIE_SECRET + secrets.token_urlsafe(32)
    edge.commit(lambda world: _open_for_subject(edge, world, subject, secret))
    response = RedirectResponse(_own_page(begun.then), status_code=303)
    set_cookies(response, edge, request, secret)
    name = _begun_cookie(edge, request)
    _set(response, edge, request, name, "", http_only=True, max_age=0)
    return response


def attempt_of(edge: Edge, request: Request, login: str) -> Attempt:
    """An attempt to guess the password of `login`, from where the request comes."""
    host = request.client.host if request.client else ""
    return Attempt(login=login, host=host, at=edge.clock())


@contextmanager
def guessing(edge: Edge, attempt: Attempt) -> Iterator[None]:
    """Around looking at a password: none is looked at while there were too many wrong ones, and a
    wrong one is counted."""
    with edge.node.reading() as world:
        require_allowed(world, attempt, edge.now(world))
    try:
        yield
    except CloudmgrError as error:
        if error.code == "bad_credentials":
            edge.commit(lambda world: record_failure(world, attempt, edge.now(world)))
        raise


def set_cookies(response: Response, edge: Edge, request: Request, secret: str) -> None:
    """The session's cookies; they end with the browser, the session itself by its own time."""
    _set(response, edge, request, edge.cookie_name(request), secret, http_only=True)
    _set(response, edge, request, CSRF_COOKIE, csrf_token(secret), http_only=False)


def _by_password(
    edge: Edge, request: Request, credentials: Credentials, secret: str, kind: TokenKind
) -> tuple[SignedIn, User]:
    """A session for whoever's password it is. The slow check runs outside any transaction, so the
    one that opens the session asks again whether all still holds."""
    attempt = attempt_of(edge, request, credentials.login)
    with guessing(edge, attempt):
        with edge.node.reading() as world:
            user = check_password(world, credentials.login, credentials.password)

        def opened(world: World) -> SignedIn:
            return open_session(
                world,
                user.id,
                secret=secret,
                now=edge.now(world),
                rehearsal=_rehearsal(world),
                kind=kind,
                attempt=attempt,
                password_hash=user.password_hash,
            )

        return edge.commit(opened), user


def _open_for_subject(edge: Edge, world: World, subject: str, secret: str) -> SignedIn:
    return open_session(
        world,
        user_of_subject(world, subject).id,
        secret=secret,
        now=edge.now(world),
        rehearsal=_rehearsal(world),
        kind=TokenKind.SIGN_ON,
    )


def _rehearsal(world: World) -> bool:
    settings = world.seek(NodeSettings, NODE_ID)
    return bool(settings and settings.rehearsal)


def _sign_on(edge: Edge) -> SignOn:
    if edge.sign_on is None:
        raise no_sign_on()
    return edge.sign_on


def _callback(sign_on: SignOn, request: Request) -> str:
    return sign_on.redirect_url or f"{str(request.base_url).rstrip('/')}{SIGN_ON_PATH}/callback"


def _own_page(then: str) -> str:
    """A path of this node; anything that a browser could take for another host becomes `/`."""
    own = then.startswith("/") and then.isprintable() and "\\" not in then
    return then if own and not then.startswith("//") else "/"


def _begun_cookie(edge: Edge, request: Request) -> str:
    return f"{edge.cookie_name(request)}-sign-on"


def _set(
    response: Response,
    edge: Edge,
    request: Request,
    name: str,
    value: str,
    *,
    http_only: bool,
    max_age: int | None = None,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=not edge.unprotected(request),
        httponly=http_only,
        samesite="lax",
    )
