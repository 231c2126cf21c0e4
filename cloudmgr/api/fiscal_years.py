"""Routes of fiscal years and their turns."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, list_route
from cloudmgr.domain.fiscal_years import FiscalYear
from cloudmgr.services.fiscal_years import TurnFiscalYear

router = APIRouter(tags=["budgets"])

list_route(router, "/fiscal-years", FiscalYear, "state")
command_route(router, "/fiscal-years/turns", TurnFiscalYear, {"year": 2026})
