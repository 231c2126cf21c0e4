"""Routes of service contracts: what is signed, how it is amended, how far it is used up."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.contracts import Contract, ContractAmendment
from cloudmgr.services import codec
from cloudmgr.services.contracts import RegisterContract
from cloudmgr.services.contracts_amendments import AmendContract, TerminateContract
from cloudmgr.services.contracts_progress import (
    ContractCard,
    ContractProgress,
    ContractWarning,
    cards,
    progress,
    warnings,
)
from cloudmgr.services.reading import read

router = APIRouter(tags=["contracts"])

list_route(router, "/contracts", Contract, "provider_id", "payee_id")


@router.get(
    "/contracts/warnings",
    operation_id="get_contract_warnings",
    summary="Contracts that run out",
    response_model=list[ContractWarning],
    responses=responses(401),
)
def get_warnings(edge: EdgeOf, secret: SecretOf) -> Any:
    """Terms that end within the policy's days, totals that will not last at the present run rate,
    and resources that run on after their contract; a provider's own for a provider."""
    with edge.reading(secret) as (world, actor, now):
        return codec.dump(warnings(world, actor, now), tuple[ContractWarning, ...])


@router.get(
    "/contracts/cards",
    operation_id="get_contract_cards",
    summary="What everybody may know of contracts",
    response_model=list[ContractCard],
    responses=responses(401),
)
def get_cards(edge: EdgeOf, secret: SecretOf) -> Any:
    """Number, term, coverage and signed total, for departments too; what of it is settled, paid or
    left is not told here. A provider sees its own contracts only."""
    with edge.reading(secret) as (world, actor, now):
        return codec.dump(cards(world, actor, now), tuple[ContractCard, ...])


get_route(router, "/contracts/{id}", Contract)


@router.get(
    "/contracts/{id}/progress",
    operation_id="get_contract_progress",
    summary="How far a contract is used up",
    response_model=ContractProgress,
    responses=responses(401, 404, 422),
)
def get_progress(edge: EdgeOf, secret: SecretOf, id: Id) -> Any:
    """Run rate by the price function, settled, paid and left, and how long that lasts."""
    with edge.reading(secret) as (world, actor, now):
        return codec.dump(progress(world, read(world, actor, Contract, id), now))


list_route(router, "/contract-amendments", ContractAmendment, "contract_id", "provider_id")
command_route(
    router,
    "/contracts",
    RegisterContract,
    {
        "number": "示例-2026-001",
        "name": "Government cloud services 2026",
        "provider_id": "prov1",
        "payee_id": "prov1",
        "procurement_method": "public tender",
        "signatories": ["市数据局", "示例云服务商"],
        "starts_at": "2026-01-01T00:00:00+08:00",
        "ends_at": "2029-01-01T00:00:00+08:00",
        "total": "90000000.00",
        "price_link": "follow_ceiling",
        "billing_start": "trial_accepted",
        "pool_ids": ["kunpeng-a"],
    },
    status=201,
)
command_route(
    router,
    "/contracts/{contract_id}/amendments",
    AmendContract,
    {
        "document_number": "示例补〔2026〕1号",
        "reason": "业务增长,延长一年并追加金额",
        "ends_at": "2029-07-01T00:00:00+08:00",
        "total": "36500000.00",
    },
    status=201,
)
command_route(
    router,
    "/contracts/{contract_id}/termination",
    TerminateContract,
    {
        "document_number": "示例终〔2026〕1号",
        "reason": "双方协商一致提前终止",
        "ends_at": "2027-01-01T00:00:00+08:00",
    },
    status=201,
)
