"""Routes of settlements, from the draft to the treasury voucher."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.settlement import Payment, Settlement, TaxInvoice
from cloudmgr.services.settlements import (
    ConfirmSettlement,
    DecideCoefficient,
    DraftSettlements,
    ReviewSettlement,
)
from cloudmgr.services.settlements_payment import RecordInvoice, RecordPayment, RequestPayment

router = APIRouter(tags=["settlements"])

list_route(
    router,
    "/settlements",
    Settlement,
    "cycle",
    "payer_id",
    "payee_id",
    "provider_id",
    "contract_id",
    "state",
)
get_route(router, "/settlements/{id:path}", Settlement)
list_route(router, "/tax-invoices", TaxInvoice, "settlement_id", "provider_id")
list_route(router, "/payments", Payment, "settlement_id", "provider_id")
command_route(router, "/settlement-cycles/{cycle}/drafts", DraftSettlements, {})
command_route(
    router,
    "/settlements/{settlement_id:path}/coefficient",
    DecideCoefficient,
    {"coefficient": "3/4", "reason": "限期整改,按协商系数结算"},
)
command_route(router, "/settlements/{settlement_id:path}/confirmation", ConfirmSettlement, {})
command_route(router, "/settlements/{settlement_id:path}/review", ReviewSettlement, {})
command_route(
    router,
    "/settlements/{settlement_id:path}/invoice",
    RecordInvoice,
    {
        "number": "26410000000012345678",
        "issued_on": "2026-03-12",
        "tax_rate": "0.06",
        "net": "94339.62",
        "tax": "5660.38",
        "total": "100000.00",
    },
)
command_route(router, "/settlements/{settlement_id:path}/payment-request", RequestPayment, {})
command_route(
    router,
    "/settlements/{settlement_id:path}/payments",
    RecordPayment,
    {"voucher_number": "41900026000123", "amount": "100000.00"},
)
