"""Words that the table of topics is written with: roles, audiences, and the form of a row."""

from __future__ import annotations

from cloudmgr.domain.access import Role
from cloudmgr.domain.notifications import Audience, Topic, Whose
from cloudmgr.domain.values import Value

CENTRE, DESK = Role.TECHNICAL_REVIEWER, Role.OPERATING_COMPANY
AUTHORITY, FINANCE = Role.AUTHORITY, Role.FINANCE
DEPARTMENT = Audience(Whose.OWNER, (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD))
PROVIDER = Audience(Whose.OWNER, (Role.PROVIDER,))
SUBSCRIBER = Audience(
    Whose.OWNER,
    (Role.DEPARTMENT_LEAD, Role.PROVIDER, CENTRE, DESK, AUTHORITY, FINANCE, Role.AUDIT_ADMIN),
)
NAMED = Audience(Whose.NAMED)
OFFICES = Audience(Whose.CITY, (AUTHORITY, FINANCE, DESK, CENTRE))
ALL = Audience(
    Whose.EVERYWHERE,
    (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD, Role.PROVIDER, Role.COUNTY_REVIEWER),
)


def city(*roles: Role) -> Audience:
    return Audience(Whose.CITY, roles)


def county(*roles: Role) -> Audience:
    return Audience(Whose.COUNTY, roles)


def topic(
    name: str,
    zh: tuple[str, str],
    en: tuple[str, str],
    *audiences: Audience,
    about: type[Value] | None = None,
    open: bool = False,
    private: bool = False,
) -> Topic:
    return Topic(
        name=name,
        title_zh=zh[0],
        text_zh=zh[1],
        title_en=en[0],
        text_en=en[1],
        audiences=audiences,
        about=about,
        open=open,
        private=private,
    )
