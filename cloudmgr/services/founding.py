"""The first people and the first rules of a production node: a city, the office that runs its
cloud and the three administrators that no single person may be; then its first policy, catalog and
assessment scheme. Owns what must stand before commands can go on from it; all else is commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.period import Month, is_midnight
from catalog.versions import CatalogVersion
from cloudmgr.domain.access import SYSTEM, Role
from cloudmgr.domain.assessment import AssessmentScheme
from cloudmgr.domain.audit import AuditDigest
from cloudmgr.domain.catalogs import PublishedCatalog
from cloudmgr.domain.errors import already_exists, bad_value
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
    RoleGrant,
    User,
)
from cloudmgr.domain.policy import Policy
from cloudmgr.services.audit import begin_heads
from cloudmgr.services.periods import open_period
from cloudmgr.services.pricing import keep_catalog
from cloudmgr.services.sessions import hash_password
from cloudmgr.services.world import World

ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
CITY_ID = "city"
AUTHORITY_ID = "authority"


@dataclass(frozen=True, slots=True)
class Founding:
    """What a production node begins with: the city's name, the logins and first passwords of its
    system, security and audit administrators, in that order."""

    name_zh: str
    name_en: str
    administrators: tuple[tuple[str, str], ...]


def make_node(world: World, digest: AuditDigest, now: datetime) -> None:
    """Say what the database is for; nobody can sign in yet."""
    world.put(
        NodeSettings(id=NODE_ID, rehearsal=False, city="", created_at=now, audit_digest=digest)
    )
    begin_heads(world, now)


def found_city(world: World, founding: Founding, now: datetime) -> None:
    """Put the city, its authority and three administrators, whose passwords must be changed at the
    first sign-in, and open the present billing month. Raises `bad_value`."""
    logins = [login for login, _ in founding.administrators]
    if len(logins) != len(ADMINISTRATORS) or len(set(logins)) != len(logins) or not all(logins):
        raise bad_value(
            "admins", "name three people: the system, the security and the audit administrator"
        )
    if not founding.name_zh.strip() or not founding.name_en.strip():
        raise bad_value("name", "say what the city is called, in Chinese and in English")
    region = Region(
        id=CITY_ID, name_zh=founding.name_zh, name_en=founding.name_en, level=RegionLevel.CITY
    )
    authority = Organisation(
        id=AUTHORITY_ID,
        kind=OrganisationKind.AUTHORITY,
        name_zh=f"{founding.name_zh}政务云主管部门",
        name_en=f"{founding.name_en} cloud authority",
        region_id=CITY_ID,
    )
    world.put_many([region, authority])
    for role, (login, password) in zip(ADMINISTRATORS, founding.administrators, strict=True):
        user = User(
            id=login,
            login=login,
            name=login,
            password_hash=hash_password(password),
            password_due=True,
        )
        grant = RoleGrant(
            id=f"{login}/{role}/{AUTHORITY_ID}",
            user_id=login,
            role=role,
            organisation_id=AUTHORITY_ID,
        )
        world.put_many([user, grant])
    open_period(world, Month.of(now), now)
    world.audit(
        at=now,
        user_id=SYSTEM.user_id,
        role="system",
        command="found_city",
        subject=f"Region/{CITY_ID}",
        request_id="",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstRules:
    """What a production node has no command for: proposals, drafts and scores stand on a version
    before them, and the first of each has none."""

    policy: Policy | None = None
    catalog: CatalogVersion | None = None
    scheme: AssessmentScheme | None = None


def put_first_rules(world: World, rules: FirstRules, now: datetime) -> tuple[str, ...]:
    """Put what is given of the first policy, catalog and assessment scheme; gives what was put.

    They may have begun already: their papers were signed before there was a node. Raises
    `already_exists` where one of that kind stands, because the next one is drafted and co-signed,
    and `bad_value`.
    """
    given: list[tuple[str, str, datetime, str, bool]] = []
    for each, stands in (
        (rules.policy, world.find(Policy, limit=1)),
        (rules.catalog, world.find(PublishedCatalog, limit=1)),
        (rules.scheme, world.find(AssessmentScheme, limit=1)),
    ):
        if each is not None:
            kind = type(each).__name__
            given.append((kind, each.id, each.effective_from, each.document_number, bool(stands)))
    if not given:
        raise bad_value("rules", "name a file with a policy, a catalog or an assessment scheme")
    for kind, id, effective_from, document_number, taken in given:
        if taken:
            raise already_exists(kind, id)
        if not is_midnight(effective_from):
            raise bad_value("effective_from", f"{kind} {id} begins at a midnight of Asia/Shanghai")
        if not document_number.strip():
            raise bad_value("document_number", f"{kind} {id} names the paper it rests on")
    world.put_many([each for each in (rules.policy, rules.scheme) if each is not None])
    if rules.catalog is not None:
        keep_catalog(world, rules.catalog, now)
    put = tuple(f"{kind}/{id}" for kind, id, *_ in given)
    for subject in put:
        world.audit(
            at=now,
            user_id=SYSTEM.user_id,
            role="system",
            command="put_first_rules",
            subject=subject,
            request_id="",
        )
    return put
