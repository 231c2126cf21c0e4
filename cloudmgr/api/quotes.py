"""Routes of quotes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.quotes import Quote
from cloudmgr.services import codec
from cloudmgr.services.quotes import (
    DecideQuote,
    DraftQuote,
    EndQuote,
    SendQuote,
    SubmitQuote,
    WithdrawQuote,
)
from cloudmgr.services.quotes_above import QuoteAboveCeiling, quotes_above_ceiling

router = APIRouter(tags=["quotes"])

QUOTED = {
    "contract_id": "HT-2025-01",
    "pool_id": "kunpeng-a",
    "sku_id": "vm-kunpeng-4c8g",
    "tiers": [{"from_quantity": 0, "unit_price": "100.000000"}],
    "effective_from": "2026-03-01T00:00:00+08:00",
}


@router.get(
    "/quotes/above-ceiling",
    operation_id="list_quotes_above_ceiling",
    summary="Fixed quotes above the ceiling of today",
    response_model=list[QuoteAboveCeiling],
    responses=responses(401),
)
def above_ceiling(edge: EdgeOf, secret: SecretOf) -> Any:
    """Quotes of contracts with fixed prices that a lowered ceiling no longer lets anybody quote,
    with what lives under them and what a month of it would cost at the ceiling."""
    with edge.reading(secret) as (world, actor, now):
        found = quotes_above_ceiling(world, actor, now)
    return codec.dump(found, tuple[QuoteAboveCeiling, ...])


list_route(router, "/quotes", Quote, "provider_id", "pool_id", "sku_id", "state")
get_route(router, "/quotes/{id}", Quote)
command_route(
    router,
    "/quotes",
    SubmitQuote,
    QUOTED,
    status=201,
)
command_route(router, "/quotes/{quote_id}/decision", DecideQuote, {"accepted": True})
command_route(router, "/quote-drafts", DraftQuote, QUOTED, status=201)
command_route(router, "/quotes/{quote_id}/submission", SendQuote, {})
command_route(
    router, "/quotes/{quote_id}/withdrawal", WithdrawQuote, {"reason": "reckoned too low"}
)
command_route(
    router,
    "/quotes/{quote_id}/end",
    EndQuote,
    {"effective_to": "2026-09-01T00:00:00+08:00", "reason": "no longer made"},
)
