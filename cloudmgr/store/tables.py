"""Every table of the node in one place: the nouns' rows, and the store's own three.

Owns numbers, audit chain and outbox; a noun's rows stand in the file of the noun.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer
from sqlmodel import Field

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.store import (
    allocations,
    applications,
    approvals,
    assessments,
    billing,
    budgets,
    capacity,
    catalogs,
    commands,
    contracts,
    files,
    incidents,
    journal,
    lines,
    node,
    parties,
    policies,
    pools,
    quotas,
    quotes,
    requests,
    service_ratings,
    settlements,
    timers,
    usage,
    workorders,
)
from cloudmgr.store.columns import InstantColumn, IntegerColumn, JsonColumn, TextColumn
from cloudmgr.store.mapper import METADATA, ROWS, StoredRow, row_of, table_of

__all__ = ["AUDIT", "METADATA", "NOUNS", "NUMBERS", "OUTBOX", "ROWS"]

NOUNS = (
    allocations,
    applications,
    approvals,
    assessments,
    billing,
    budgets,
    capacity,
    catalogs,
    commands,
    contracts,
    files,
    incidents,
    journal,
    lines,
    node,
    parties,
    policies,
    pools,
    quotas,
    quotes,
    requests,
    service_ratings,
    settlements,
    timers,
    usage,
    workorders,
)
"""Importing them declares their tables."""


class NumberRow(StoredRow, table=True):
    """The last number given out in a series."""

    __tablename__ = "number"
    series: str = Field(sa_column=Column(TextColumn, primary_key=True))
    value: int = Field(sa_column=Column(IntegerColumn, nullable=False))


class OutboxRow(StoredRow, table=True):
    """A message that waits to be sent, in the order of the commits that wrote it."""

    __tablename__ = "outbox"
    sequence: int | None = Field(
        default=None,
        sa_column=Column(
            # SQLite numbers rows by itself only in a column of the type INTEGER.
            BigInteger().with_variant(Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
    )
    topic: str = Field(sa_column=Column(TextColumn, nullable=False))
    subject: str = Field(sa_column=Column(TextColumn, nullable=False))
    payload: dict[str, Any] = Field(sa_column=Column(JsonColumn(dict[str, Any]), nullable=False))
    at: datetime = Field(sa_column=Column(InstantColumn, nullable=False))


AuditEventRow = row_of(AuditEvent, key="sequence")

NUMBERS = table_of(NumberRow)
OUTBOX = table_of(OutboxRow)
AUDIT = table_of(AuditEventRow)
