"""Tables of settlements, of the providers' tax invoices and of payments."""

from __future__ import annotations

from cloudmgr.domain.settlement import Payment, Settlement, TaxInvoice
from cloudmgr.store.mapper import row_of

SettlementRow = row_of(
    Settlement, index=("provider_id", "payer_id", "contract_id", "state", "cycle")
)
TaxInvoiceRow = row_of(TaxInvoice, index=("settlement_id", "number"))
PaymentRow = row_of(Payment, index=("settlement_id", "provider_id"))
