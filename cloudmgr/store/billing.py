"""Tables of billing periods, statements and credit notes."""

from __future__ import annotations

from cloudmgr.domain.billing import BillingPeriod, CreditNote, Statement
from cloudmgr.store.mapper import row_of

BillingPeriodRow = row_of(BillingPeriod)
StatementRow = row_of(Statement, index=("department_id", "payer_id", "month", "state"))
CreditNoteRow = row_of(CreditNote, index=("statement_id", "department_id", "month"))
