"""Every table of the node in one place: the nouns' rows, and the store's own two.

Owns numbers and audit chain; a noun's rows stand in the file of the noun.
"""

from __future__ import annotations

from sqlalchemy import Column
from sqlmodel import Field

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.store import (
    adoption,
    allocations,
    applications,
    approvals,
    assessments,
    attachments,
    audit,
    billing,
    budgets,
    capacity,
    catalogs,
    certificates,
    commands,
    continuity,
    contracts,
    delegations,
    drift,
    drills,
    files,
    fiscal_years,
    incidents,
    jobs,
    journal,
    lines,
    machine_rooms,
    networks,
    node,
    notifications,
    off_catalog,
    openings,
    outbox,
    parties,
    policies,
    pools,
    proposals,
    protected_periods,
    quotas,
    quotes,
    reorganisations,
    requests,
    resource_lists,
    service_ratings,
    sessions,
    settlements,
    timers,
    usage,
    webhooks,
    workorders,
)
from cloudmgr.store.columns import IntegerColumn, TextColumn
from cloudmgr.store.mapper import METADATA, ROWS, StoredRow, row_of, table_of

__all__ = ["AUDIT", "METADATA", "NOUNS", "NUMBERS", "ROWS"]

NOUNS = (
    adoption,
    allocations,
    applications,
    approvals,
    assessments,
    attachments,
    audit,
    billing,
    budgets,
    capacity,
    catalogs,
    certificates,
    commands,
    continuity,
    contracts,
    delegations,
    drift,
    drills,
    files,
    fiscal_years,
    incidents,
    jobs,
    journal,
    lines,
    machine_rooms,
    networks,
    node,
    notifications,
    openings,
    outbox,
    off_catalog,
    parties,
    policies,
    pools,
    proposals,
    protected_periods,
    quotas,
    quotes,
    reorganisations,
    requests,
    resource_lists,
    service_ratings,
    sessions,
    settlements,
    timers,
    usage,
    webhooks,
    workorders,
)
"""Importing them declares their tables."""


class NumberRow(StoredRow, table=True):
    """The last number given out in a series."""

    __tablename__ = "number"
    series: str = Field(sa_column=Column(TextColumn, primary_key=True))
    value: int = Field(sa_column=Column(IntegerColumn, nullable=False))


AuditEventRow = row_of(AuditEvent, key="sequence", index=("subject",))

NUMBERS = table_of(NumberRow)
AUDIT = table_of(AuditEventRow)
