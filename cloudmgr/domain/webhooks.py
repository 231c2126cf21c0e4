"""Machines outside that are told what happens: subscriptions, deliveries, and how both are signed.

Owns which address may be subscribed, what a delivery's body says, its signature, and a delivery's
life. Who may hear what is `services.webhooks`; sending is the edge's.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cloudmgr.domain.errors import bad_value, bad_webhook_url
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.notifications import Topic, Whose
from cloudmgr.domain.parties import HELD_IN, OrganisationKind
from cloudmgr.domain.values import Value

SIGNATURE_VERSION = "v1"
BODY_VERSION = 1
SECRET_PREFIX = "cmw_"
"""What a secret begins with, so that one found in a file is known for what it is."""

PING = "webhook_ping"
LONGEST_URL = 500
LONGEST_PROBLEM = 300
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9-]{1,63})*", re.ASCII)
_SELF = "localhost"


class WebhookState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook(Value):
    """推送订阅: where an organisation's own machine is told. No `topics` means all it may hear.

    What happens while it is paused is not kept for it; what was on its way is held.
    """

    organisation_id: str
    label: str
    url: str
    topics: tuple[str, ...]
    made_by: str
    made_at: datetime
    secret_since: datetime
    state: WebhookState = WebhookState.ACTIVE
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Webhook",
        {
            WebhookState.ACTIVE: ("启用", (WebhookState.PAUSED, WebhookState.REMOVED)),
            WebhookState.PAUSED: ("暂停", (WebhookState.ACTIVE, WebhookState.REMOVED)),
            WebhookState.REMOVED: ("已删除", ()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret(Value):
    """What a webhook's deliveries are signed with; `id` is the webhook's. Nobody reads it."""

    secret: str


class DeliveryState(StrEnum):
    """`held` while the webhook is paused; `dead` after too many failures; `dropped` with it."""

    WAITING = "waiting"
    HELD = "held"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"


_STATE = DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery(Value):
    """推送记录: one message on its way to one webhook; `id` is what the receiver knows it by.

    `body` is sent as it stands, at every attempt the same. `failures` counts those in a row,
    `attempts` all that were begun, also one that a crash cut short.
    """

    webhook_id: str
    organisation_id: str
    message_id: str
    topic: str
    subject: str
    body: str
    at: datetime
    attempts: int = 0
    failures: int = 0
    status_code: int | None = None
    problem: str = ""
    attempted_at: datetime | None = None
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    state: DeliveryState = DeliveryState.WAITING
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "WebhookDelivery",
        {
            _STATE.WAITING: (
                "待推送",
                (_STATE.HELD, _STATE.DELIVERED, _STATE.DEAD, _STATE.DROPPED),
            ),
            _STATE.HELD: ("暂停", (_STATE.WAITING, _STATE.DROPPED)),
            _STATE.DELIVERED: ("已送达", (_STATE.WAITING,)),
            _STATE.DEAD: ("推送失败", (_STATE.WAITING,)),
            _STATE.DROPPED: ("已放弃", ()),
        },
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: the receiver's status, or why there was none."""

    status_code: int | None
    problem: str = ""

    @property
    def good(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


# --- where to -------------------------------------------------------------------------------


def check_url(url: str, *, loopback: bool) -> None:
    """Raise `bad_webhook_url` unless a delivery may go there.

    https, to a plainly written host. Where `loopback` is let by the node's setting, http too, and
    to this machine only.
    """
    if len(url) > LONGEST_URL or not url.isascii() or re.search(r"[\s\\\x00-\x20\x7f]", url):
        raise bad_webhook_url("it is too long or holds spaces or signs that no URL has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise bad_webhook_url("it is no URL") from error
    if parts.scheme not in ("https", "http"):
        raise bad_webhook_url("it begins with neither https:// nor http://")
    if "@" in parts.netloc or parts.fragment or port == 0:
        raise bad_webhook_url("leave out user, password and fragment; the port is 1 to 65535")
    host = (parts.hostname or "").lower()
    at_home = _is_loopback(_checked_host(host))
    if at_home and not loopback:
        raise bad_webhook_url("it is this machine itself; only CLOUDMGR_WEBHOOK_LOOPBACK lets that")
    if parts.scheme == "http" and not at_home:
        raise bad_webhook_url("over http anybody on the way can read and change it; use https")


def check_address(address: str, *, loopback: bool) -> None:
    """Raise `bad_webhook_url` for an address that a name must not lead to: this machine, its
    neighbours on the wire (where clouds keep their keys), and what is no single machine."""
    ip = _plain(ipaddress.ip_address(address.partition("%")[0]))
    if ip.is_loopback:
        if not loopback:
            raise bad_webhook_url("its name leads to this machine itself")
    elif ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        raise bad_webhook_url(f"its name leads to {ip}, where no receiver stands")


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _checked_host(host: str) -> _Address | str:
    """An address or a name; refused are addresses in disguise, such as 2130706433 or 0x7f.1."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        if not _HOST.fullmatch(host) or re.fullmatch(r"\d+|0x[0-9a-f]*", last):
            raise bad_webhook_url("its host is neither a name nor an address") from None
        return host
    check_address(host, loopback=True)
    return _plain(ip)


def _plain(ip: _Address) -> _Address:
    """An IPv4 address also where it is written as one of IPv6."""
    return getattr(ip, "ipv4_mapped", None) or ip


def _is_loopback(host: _Address | str) -> bool:
    if isinstance(host, str):
        return host == _SELF or host.endswith("." + _SELF)
    return host.is_loopback


# --- what is said, and to whom --------------------------------------------------------------


def hears(kind: OrganisationKind, topic: Topic, *, owner: bool, wanted: tuple[str, ...]) -> bool:
    """Whether an organisation's machine hears of a message: the city's offices of everything,
    others of what their own people are told of their own things, and of what is open to all."""
    if topic.private or (wanted and topic.name not in wanted):
        return False
    if kind not in (OrganisationKind.DEPARTMENT, OrganisationKind.PROVIDER) or topic.open:
        return True
    return owner and any(kind in HELD_IN[role] for role in topic.roles_of(Whose.OWNER))


def delivery_id(message_id: str, webhook_id: str) -> str:
    """The same whoever makes it, so that a message is recorded once for each webhook."""
    return f"{message_id}.{webhook_id}"


def body_of(
    id: str,
    *,
    topic: str,
    subject: str,
    payload: Mapping[str, Any],
    at: datetime,
    city: str,
    rehearsal: bool,
) -> str:
    """The JSON that is sent and signed: ids of things, never a person, a name or an amount."""
    said = {
        "version": BODY_VERSION,
        "id": id,
        "topic": topic,
        "subject": subject,
        "payload": dict(payload),
        "at": at.isoformat(),
        "city": city,
        "rehearsal": rehearsal,
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def signature(secret: str, timestamp: int, body: str) -> str:
    """`v1=` and the HMAC-SHA256, in hex, of the timestamp's digits, a full stop and the body."""
    signed = f"{timestamp}.{body}".encode()
    return f"{SIGNATURE_VERSION}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def headers_of(delivery: WebhookDelivery, secret: str, timestamp: int) -> dict[str, str]:
    """What goes with a body; the attempt is no part of what is signed."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "cloudmgr-webhook/1",
        "Cloudmgr-Delivery": delivery.id,
        "Cloudmgr-Topic": delivery.topic,
        "Cloudmgr-Attempt": str(delivery.attempts),
        "Cloudmgr-Timestamp": str(timestamp),
        "Cloudmgr-Signature": signature(secret, timestamp, delivery.body),
    }


# --- a delivery's life ----------------------------------------------------------------------


def begin(delivery: WebhookDelivery, now: datetime) -> WebhookDelivery:
    """An attempt is about to be made; counted before anything is sent."""
    return replace(delivery, attempts=delivery.attempts + 1, attempted_at=now, due_at=None)


def settle(
    delivery: WebhookDelivery, answer: Answer, now: datetime, again: datetime, attempts: int
) -> WebhookDelivery:
    """What an attempt came to: delivered, to be tried `again`, or dead after `attempts`."""
    if answer.good:
        return advance(
            delivery,
            DeliveryState.DELIVERED,
            status_code=answer.status_code,
            failures=0,
            problem="",
            delivered_at=now,
        )
    failed = replace(
        delivery,
        failures=delivery.failures + 1,
        status_code=answer.status_code,
        problem=(answer.problem or f"it answered {answer.status_code}")[:LONGEST_PROBLEM],
    )
    if failed.failures >= attempts:
        return advance(failed, DeliveryState.DEAD)
    return replace(failed, due_at=again)


def deliver_again(delivery: WebhookDelivery) -> WebhookDelivery:
    """Sent once more under the same id, with as many attempts as at first."""
    return advance(delivery, DeliveryState.WAITING, failures=0, due_at=None)


def check_topics(topics: tuple[str, ...], known: Mapping[str, Topic]) -> None:
    """Raise `bad_value` for a topic that machines are not told of."""
    for name in topics:
        if name not in known or known[name].private:
            raise bad_value("topics", f"{name!r} is none that webhooks hear of")
