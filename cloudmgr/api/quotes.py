"""Routes of quotes."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.quotes import Quote
from cloudmgr.services.quotes import DecideQuote, SubmitQuote

router = APIRouter(tags=["quotes"])

list_route(router, "/quotes", Quote, "provider_id", "pool_id", "sku_id", "state")
get_route(router, "/quotes/{id}", Quote)
command_route(
    router,
    "/quotes",
    SubmitQuote,
    {
        "contract_id": "HT-2025-01",
        "pool_id": "kunpeng-a",
        "sku_id": "vm-kunpeng-4c8g",
        "tiers": [{"from_quantity": 0, "unit_price": "100.000000"}],
        "effective_from": "2026-03-01T00:00:00+08:00",
    },
    status=201,
)
command_route(router, "/quotes/{quote_id}/decision", DecideQuote, {"accepted": True})
