"""Turns rolled-up Arrow tables into the domain's usage records. Computes nothing itself."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from catalog.period import Month
from cloudmgr.domain.metering import HourlyUsage, MonthlyUsage


def hourly_usage(table: pa.Table) -> tuple[HourlyUsage, ...]:
    """HOURLY_SCHEMA rows as records, in the order of the table."""
    return tuple(HourlyUsage(**row) for row in table.to_pylist())


def monthly_usage(
    table: pa.Table, month: Month, expected: Mapping[str, int]
) -> tuple[MonthlyUsage, ...]:
    """MONTHLY_SCHEMA rows as records, in the order of the table.

    `expected` gives each resource's samples per meter (`domain.metering.expected_samples`); a
    resource it does not name has 0. A series nobody reported has no row: see `unreported`.
    """
    return tuple(
        MonthlyUsage(month=month, expected=expected.get(row["resource"], 0), **row)
        for row in table.to_pylist()
    )


def unreported(
    table: pa.Table, expected: Mapping[tuple[str, str], int]
) -> tuple[tuple[str, str], ...]:
    """The (resource, meter) series that expect samples and have no row, in order."""
    read = set(
        zip(table.column("resource").to_pylist(), table.column("meter").to_pylist(), strict=True)
    )
    return tuple(
        sorted(series for series, count in expected.items() if count and series not in read)
    )
