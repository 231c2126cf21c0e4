"""The table of providers' quotes."""

from __future__ import annotations

from cloudmgr.domain.quotes import Quote
from cloudmgr.store.mapper import row_of

QuoteRow = row_of(Quote, index=("state", "contract_id", ("pool_id", "sku_id")))
