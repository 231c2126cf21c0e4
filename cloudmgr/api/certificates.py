"""Routes of certificates and of what has to be renewed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.api.views import view
from cloudmgr.domain.certificates import Certificate, CertificateStanding
from cloudmgr.services.certificates import (
    RegisterCertificate,
    RevokeCertificate,
    due_for_renewal,
)

router = APIRouter(tags=["certificates"])


@router.get(
    "/certificates/due",
    operation_id="get_certificates_due",
    summary="Certificates that are missing, expired or about to",
    response_model=list[CertificateStanding],
    responses=responses(401, 422),
)
def list_due(
    edge: EdgeOf,
    secret: SecretOf,
    within_days: Annotated[int | None, Query(ge=0, le=3660)] = None,
) -> Any:
    """Of all pools and applications one may see; without `within_days` as the policy warns."""
    with edge.reading(secret) as (world, actor, now):
        found = due_for_renewal(world, actor, now, within_days)
    return view(found, tuple[CertificateStanding, ...])


list_route(router, "/certificates", Certificate, "subject_kind", "subject_id", "kind", "state")
get_route(router, "/certificates/{id}", Certificate)
command_route(
    router,
    "/certificates",
    RegisterCertificate,
    {
        "kind": "cloud_security",
        "subject_kind": "pool",
        "subject_id": "kunpeng-a",
        "number": "示云评〔2026〕7号",
        "issuer": "示例测评机构",
        "valid_from": "2026-01-01T00:00:00+08:00",
        "expires_at": "2029-01-01T00:00:00+08:00",
    },
    status=201,
)
command_route(
    router,
    "/certificates/{certificate_id}/revocation",
    RevokeCertificate,
    {"reason": "withdrawn by its issuer"},
)
