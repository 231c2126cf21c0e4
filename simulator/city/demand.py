"""What a city's allocations follow: a recorded trace, or archetypes where none is given."""

from __future__ import annotations

from pathlib import Path

from catalog.errors import Invalid
from catalog.load import find_version
from cloudmgr.cities.city import City
from cloudmgr.cities.opening import opening_lines
from simulator.city.meters import SAMPLES_A_DAY
from simulator.traces.archetypes import synthesize
from simulator.traces.shares import TraceShares, load_shares

SYNTHETIC_USE_PERCENT = 50
"""Departments hold about twice what their systems need [sample]: the city's mean use is then near
the 10 to 15 % that audits of such clouds have found."""


def shares_for(
    city: City,
    *,
    months: int = 1,
    seed: int = 1,
    traces: Path | None = None,
    format: str | None = None,
) -> TraceShares:
    """Shares for so many months from the cut-over.

    Raises `bad_option` for a trace without its format or a format without its trace, and what
    `load_shares` raises.
    """
    if (traces is None) != (format is None):
        raise Invalid("bad_option", "--traces and --format belong together; give both or none")
    samples = 31 * SAMPLES_A_DAY * months
    if traces is not None and format is not None:
        return load_shares(traces, format, samples_needed=samples)
    catalog = find_version(city.catalog_id)
    shapes = [str(city.archetype_of(line.application.id)) for line in opening_lines(city, catalog)]
    return synthesize(
        shapes,
        seed=seed,
        first_day=city.cut_over,
        samples=samples,
        percent=SYNTHETIC_USE_PERCENT,
    )
