"""Whoever knows the noun finds the code: a noun has one file name per floor, and it is in a table.

`domain/quota.py` holds the decisions about one quota, `services/quotas.py`, `store/quotas.py` and
`api/quotas.py` the commands, rows and routes for quotas.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

DOMAIN = "cloudmgr/domain"
FLOORS = ("cloudmgr/services", "cloudmgr/store", "cloudmgr/api", "cloudmgr/portal")

# File in the domain -> file on every floor above. A part too long for one file carries the noun
# in front: `measures_service`.
NOUNS = {
    "access": "access",
    "adoption": "adoption",
    "allocations": "allocations",
    "applications": "applications",
    "approvals": "approvals",
    "assessment": "assessments",
    "attachments": "attachments",
    "audit": "audit",
    "billing": "billing",
    "budget": "budgets",
    "capacity": "capacity",
    "catalogs": "catalogs",
    "certificates": "certificates",
    "coefficients": "coefficients",
    "commitments": "commitments",
    "continuity": "continuity",
    "contracts": "contracts",
    "corrections": "corrections",
    "delegations": "delegations",
    "drift": "drift",
    "drills": "drills",
    "files": "files",
    "fiscal_years": "fiscal_years",
    "incidents": "incidents",
    "indicators": "indicators",
    "inspection": "inspections",
    "jobs": "jobs",
    "journal": "journal",
    "lines": "lines",
    "machine_rooms": "machine_rooms",
    "measures": "measures",
    "metering": "metering",
    "networks": "networks",
    "node": "node",
    "notifications": "notifications",
    "openings": "openings",
    "off_catalog": "off_catalog",
    "organisations": "organisations",
    "outbox": "outbox",
    "parties": "parties",
    "placement": "placements",
    "policy": "policies",
    "pools": "pools",
    "proposals": "proposals",
    "proration": "proration",
    "protected_periods": "protected_periods",
    "quota": "quotas",
    "quotes": "quotes",
    "rating": "rating",
    "reorganisations": "reorganisations",
    "requests": "requests",
    "resource_lists": "resource_lists",
    "service_ratings": "service_ratings",
    "sessions": "sessions",
    "settlement": "settlements",
    "tariff": "tariffs",
    "timers": "timers",
    "usage": "usage",
    "webhooks": "webhooks",
    "workdays": "workdays",
    "workorders": "workorders",
}

# Files of the domain that are no noun of the trade but serve all of them.
FURNITURE = {"errors", "leases", "lifecycle", "ratios", "values"}


def misnamed(folder: str, stems: set[str]) -> dict[str, str]:
    """Files on a floor above the domain that use another form of a noun -> the agreed name."""
    found: dict[str, str] = {}
    for domain, above in NOUNS.items():
        forms = {*_forms(domain), *_forms(above)} - {above}
        found |= {f"{folder}/{stem}.py": f"{folder}/{above}.py" for stem in stems & forms}
    return found


def _forms(noun: str) -> set[str]:
    """Singular and plural of a noun, each form English could give it."""
    singular = noun.removesuffix("ies") + "y" if noun.endswith("ies") else noun.removesuffix("s")
    plural = singular[:-1] + "ies" if singular.endswith("y") else singular + "s"
    return {noun, singular, plural, f"{noun}_service", f"{noun}_routes", f"{noun}_api"}


def _stems(folder: str) -> set[str]:
    return {file.stem for file in Path(ROOT, folder).glob("*.py")} - {"__init__"}


def test_every_file_of_the_domain_is_a_noun_with_a_name_upstairs() -> None:
    unknown = {
        stem
        for stem in _stems(DOMAIN) - FURNITURE
        if stem not in NOUNS and not stem.startswith(tuple(f"{noun}_" for noun in NOUNS))
    }
    assert not unknown, f"add these nouns, and their name on the floors above, to NOUNS: {unknown}"


@pytest.mark.parametrize("floor", FLOORS)
def test_a_noun_keeps_its_file_name_on_every_floor(floor: str) -> None:
    found = misnamed(floor, _stems(floor))
    assert not found, f"rename: {found}"


def test_another_form_of_a_noun_is_seen() -> None:
    assert misnamed("cloudmgr/api", {"quota"}) == {
        "cloudmgr/api/quota.py": "cloudmgr/api/quotas.py"
    }
    assert misnamed("cloudmgr/store", {"policy", "requests"}) == {
        "cloudmgr/store/policy.py": "cloudmgr/store/policies.py"
    }
    assert not misnamed("cloudmgr/services", {"policies", "memory", "world"})
