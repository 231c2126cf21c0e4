"""How a pool is reached, what it says of its health, and its alarms. Owns which level is asked
what; the values that travel are `pools_interface`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.incidents import Severity
from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_interface import KEY_PATTERN
from cloudmgr.domain.values import Value

CREDENTIAL_PATTERN = r"[a-z0-9][a-z0-9._-]{0,63}"
LONGEST_PREFIX = 24
LONGEST_URL = 300

PULLS = ("pool_health", "pool_inventory", "pool_usage", "pool_incidents", "pool_drift")
"""The recurring jobs of a pool from the monitoring level on, one of each."""


class Contact(StrEnum):
    """What the last look at a pool's health showed; `silent` is no readable answer at all."""

    UNKNOWN = "unknown"
    OK = "ok"
    DEGRADED = "degraded"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolConnection(Value):
    """资源池接入: where a pool's interface stands; its id is the pool's.

    `credential` names a file of the node's secrets folder, which holds the token: the token itself
    is in no record, no answer and no log. `key_prefix` tells this node's orders from those of
    other nodes that order from the same pool. A paused pool is sent nothing and asked nothing.
    """

    pool_id: str
    provider_id: str
    url: str
    credential: str = ""
    key_prefix: str = ""
    paused: bool = False
    contact: Contact = Contact.UNKNOWN
    contact_since: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolAlarm(Value):
    """告警 as a pool last told it. It only warns: minutes are counted for incidents (故障)."""

    pool_id: str
    provider_id: str
    external_id: str
    severity: Severity
    description: str
    opened_at: datetime
    changed_at: datetime
    restored_at: datetime | None = None


def check_connection(pool: ResourcePool, connection: PoolConnection) -> None:
    """Raise `bad_value` unless the pool's level has an interface and the address is one."""
    if pool.management_level is ManagementLevel.REPORTING:
        raise bad_value("pool_id", f"{pool.id} is at reporting level; it owes no interface")
    url = connection.url
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url) or len(url) > LONGEST_URL:
        raise bad_value("url", "write http(s)://host/… without user, query or fragment")
    if connection.credential and not re.fullmatch(CREDENTIAL_PATTERN, connection.credential):
        raise bad_value("credential", f"a credential's name matches {CREDENTIAL_PATTERN}")
    prefix = connection.key_prefix
    if prefix and (len(prefix) > LONGEST_PREFIX or not re.fullmatch(KEY_PATTERN, prefix)):
        raise bad_value(
            "key_prefix", f"at most {LONGEST_PREFIX} letters, digits, dots, colons and dashes"
        )


def ordered_from(pool: ResourcePool, connection: PoolConnection | None) -> bool:
    """Whether work for the pool is ordered by its interface, not by a work order for people."""
    return connection is not None and pool.management_level is ManagementLevel.SCHEDULING
