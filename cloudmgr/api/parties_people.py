"""Routes of people's accounts and of the roles they hold."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.parties import RoleGrant
from cloudmgr.services.parties import RevokeRole
from cloudmgr.services.parties_people import (
    DeactivateUser,
    LinkSubject,
    Person,
    ReactivateUser,
    ResetPassword,
    people,
)

router = APIRouter(tags=["parties"])

list_route(router, "/people", Person, "login", "active", found=people)
list_route(router, "/role-grants", RoleGrant, "user_id", "role", "organisation_id", "revoked")
command_route(router, "/users/{user_id}/deactivation", DeactivateUser, {})
command_route(router, "/users/{user_id}/reactivation", ReactivateUser, {})
command_route(
    router, "/users/{user_id}/password", ResetPassword, {"password": "told by telephone 8731"}
)
command_route(router, "/users/{user_id}/sign-on", LinkSubject, {"subject": "330102-004711"})
command_route(
    router,
    "/users/{user_id}/role-revocations",
    RevokeRole,
    {"role": "department_user", "organisation_id": "d01"},
)
