"""Indicators read from capacity, use, metering and prices: what stood there, ran, and cost.

Each function is `(definition, records) -> Measured`; nothing to judge gives "not set". Use is in
millicores, capacity in vCPU (1000 millicores each); everything is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from catalog.period import Period
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.incidents import Incident, affected_minutes, availability
from cloudmgr.domain.indicators import IndicatorDefinition, Measured, measured
from cloudmgr.domain.measures_records import ProviderRecords, SkuTerms
from cloudmgr.domain.metering import nearest_rank
from cloudmgr.domain.proration import stretches
from cloudmgr.domain.ratios import ratio_text

MILLICORES = 1000
PEAK_PERCENTILE = 95


def allocated_share(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """vCPU allocated / vCPU offered (physical x over-commit), both on the cycle's average."""
    capacities = records.capacities()
    offered = sum((each.offered for each in capacities), Fraction(0))
    with_capacity = {each.pool_id for each in capacities if each.offered}
    allocated = sum(
        (mean for pool_id, mean in _mean_vcpus(records).items() if pool_id in with_capacity),
        Fraction(0),
    )
    evidence = (
        f"{ratio_text(allocated, 2)} of {_counted(offered)} offered vCPU allocated on average"
    )
    return measured(definition, allocated, offered, evidence)


def pool_peak_use(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """The pools' busy hours (p95 of hourly use) / their physical capacity, added over pools.

    What is missing to 1 is capacity held idle by whoever decides how many hosts stand there. A
    pool where nothing ran was not used; one that ran without a reading is not judged here.
    """
    readings = {use.pool_id: use.hourly_millicores for use in records.pool_use}
    ran = _mean_vcpus(records)
    peak, physical, unread = 0, Fraction(0), []
    for capacity in records.capacities():
        hours = readings.get(capacity.pool_id, ())
        if not hours and ran.get(capacity.pool_id):
            unread.append(capacity.pool_id)
            continue
        peak += nearest_rank(hours, PEAK_PERCENTILE) if hours else 0
        physical += capacity.total * MILLICORES
    used = f"p{PEAK_PERCENTILE} of hourly use {peak}"
    evidence = f"{used} of {_counted(physical)} physical millicores"
    if unread:
        evidence += f" (without readings: {', '.join(unread)})"
    return measured(definition, peak, physical, evidence)


def allocation_mean_use(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Mean use / vCPU allocated, over pools with readings: what departments leave idle."""
    ran = _mean_vcpus(records)
    used, allocated = Fraction(0), Fraction(0)
    for use in records.pool_use:
        if use.hourly_millicores:
            used += Fraction(sum(use.hourly_millicores), len(use.hourly_millicores))
            allocated += ran.get(use.pool_id, Fraction(0)) * MILLICORES
    evidence = (
        f"{ratio_text(used, 0)} of {ratio_text(allocated, 0)} allocated millicores used on average"
    )
    return measured(definition, used, allocated, evidence)


def availability_minutes(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Minutes interrupted / minutes the Skus' standards allow, over all allocations and months.

    An allocation's month that is paid back by a service credit stays out, unless the scheme says
    that it scores as well (DOMAIN.md 9: one incident is not punished twice).
    """
    terms = records.terms_by_sku()
    struck = _incidents_by_allocation(records)
    affected, allowed, judged, credited = 0, Fraction(0), 0, 0
    for allocation in records.allocations:
        standard = terms[allocation.sku_id].standard
        incidents = struck.get(allocation.id, [])
        for served in _served(allocation, records):
            share = standard.credit_share(availability(incidents, allocation.id, served))
            if share and not records.credited_incidents_score:
                credited += 1
                continue
            judged += 1
            affected += affected_minutes(incidents, allocation.id, served)
            allowed += (1 - standard.availability) * Fraction(served.seconds, 60)
    evidence = (
        f"{affected} minutes interrupted, {ratio_text(allowed, 1)} allowed, in {judged} months of "
        f"allocations"
    )
    if credited:
        evidence += f" ({credited} more are paid back as service credits)"
    # Where the standards allow nothing, every minute counts as if one had been allowed.
    return measured(definition, affected, max(allowed, Fraction(1)) if judged else 0, evidence)


def metering_coverage(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Readings received / expected over the lives of the allocations; more never make up."""
    received = sum(min(each.received, each.expected) for each in records.coverage)
    expected = sum(each.expected for each in records.coverage)
    gaps = sum(each.received < each.expected for each in records.coverage)
    evidence = f"{received} of {expected} readings received; {gaps} allocations have gaps"
    return measured(definition, received, expected, evidence)


def metering_quarantine(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Readings that had to be quarantined / readings sent."""
    evidence = f"{records.rows_quarantined} of {records.rows_sent} readings quarantined"
    return measured(definition, records.rows_quarantined, records.rows_sent, evidence)


def price_against_ceiling(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Unit price / ceiling, weighted by the amount billed; corrections and free lines stay out."""
    weighted, billed, unlimited = Fraction(0), Fraction(0), 0
    for line in records.lines:
        if line.amount <= 0:
            continue
        if not line.ceiling_unit_price:
            unlimited += 1
            continue
        billed += Fraction(line.amount)
        weighted += (
            Fraction(line.amount) * Fraction(line.unit_price) / Fraction(line.ceiling_unit_price)
        )
    evidence = f"{ratio_text(billed, 2)} yuan billed under a ceiling"
    if unlimited:
        evidence += f" ({unlimited} lines have no ceiling)"
    return measured(definition, weighted, billed, evidence)


def _counted(units: Fraction) -> str:
    """A number of units; what changed during the cycle is an average with two decimals."""
    return str(units.numerator) if units.denominator == 1 else ratio_text(units, 2)


def _mean_vcpus(records: ProviderRecords) -> dict[str, Fraction]:
    """vCPU allocated per pool, averaged over the cycle's seconds."""
    terms = records.terms_by_sku()
    means: dict[str, Fraction] = {}
    for allocation in records.allocations:
        share = Fraction(_vcpu_seconds(allocation, records, terms), records.period.seconds)
        means[allocation.pool_id] = means.get(allocation.pool_id, Fraction(0)) + share
    return means


def _vcpu_seconds(
    allocation: Allocation, records: ProviderRecords, terms: dict[str, SkuTerms]
) -> int:
    if not allocation.segments:
        return 0
    return sum(
        stretch.period.seconds * stretch.quantity * terms[stretch.sku_id].vcpus
        for month in records.months
        for stretch in stretches(allocation, month)
    )


def _served(allocation: Allocation, records: ProviderRecords) -> Iterator[Period]:
    """The parts of the allocation's life that lie in each month of the cycle."""
    life = allocation.life
    if life is None:
        return
    for month in records.months:
        served = life.overlap(month.period)
        if served is not None:
            yield served


def _incidents_by_allocation(records: ProviderRecords) -> dict[str, list[Incident]]:
    struck: dict[str, list[Incident]] = {}
    for incident in records.incidents:
        for allocation_id in incident.allocation_ids:
            struck.setdefault(allocation_id, []).append(incident)
    return struck
