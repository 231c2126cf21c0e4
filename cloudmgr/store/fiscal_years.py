"""The table of fiscal years and how far their turns have come."""

from __future__ import annotations

from cloudmgr.domain.fiscal_years import FiscalYear
from cloudmgr.store.mapper import row_of

FiscalYearRow = row_of(FiscalYear)
