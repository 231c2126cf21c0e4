"""The table of computed indicators, and measuring a provider's records by it.

What each indicator counts stands in `measures_service` (orders, incidents, ratings) and
`measures_operation` (capacity, use, metering, prices); points are made in `indicators`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType

from cloudmgr.domain import measures_operation as operation
from cloudmgr.domain import measures_service as service
from cloudmgr.domain.errors import bad_scheme
from cloudmgr.domain.indicators import IndicatorDefinition, Measured, not_set
from cloudmgr.domain.measures_records import ProviderRecords

Measure = Callable[[IndicatorDefinition, ProviderRecords], Measured]

MEASURES = MappingProxyType[str, Measure](
    {
        "migrations_on_time": service.migrations_on_time,
        "first_time_acceptance": service.first_time_acceptance,
        "provisioning_on_time": service.provisioning_on_time,
        "work_order_acceptance_time": service.work_order_acceptance_time,
        "incident_acknowledgement": service.incident_acknowledgement,
        "incident_restoration": service.incident_restoration,
        "critical_incidents": service.critical_incidents,
        "satisfaction": service.satisfaction,
        "allocated_share": operation.allocated_share,
        "pool_peak_use": operation.pool_peak_use,
        "allocation_mean_use": operation.allocation_mean_use,
        "availability_minutes": operation.availability_minutes,
        "metering_coverage": operation.metering_coverage,
        "metering_quarantine": operation.metering_quarantine,
        "price_against_ceiling": operation.price_against_ceiling,
    }
)


def measure(
    definitions: Iterable[IndicatorDefinition], records: ProviderRecords
) -> tuple[Measured, ...]:
    """Every indicator in the order of its definition; manual ones are "not set" here.

    Raises `bad_scheme` for a computed indicator that is not in the table.
    """
    return tuple(_one(definition, records) for definition in definitions)


def _one(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    if not definition.computed:
        return not_set(definition.id, "no value was entered")
    if definition.id not in MEASURES:
        raise bad_scheme(f"indicator {definition.id}", "the node does not compute it")
    return MEASURES[definition.id](definition, records)
