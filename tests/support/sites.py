"""A town whose cloud stands on three sites: its own `site`, `second` 21 km away in the same city,
and `far`, a partner city's, 324 km away. Pools `mirror` and `vault` of provider `prv` stand on the
last two and sell what `x86` sells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cloudmgr.domain.policy import Policy
from cloudmgr.domain.pools import Site, SiteRole
from cloudmgr.services.continuity import RecordBackupAgreement
from tests.support.assessments import at
from tests.support.supply import MEMORY, VCPU, a_contract, a_pool, a_quote, an_inventory
from tests.support.worlds import Town, a_town

PARTNER = "partner city"


def a_site(*, id: str = "site", north: int = 0, east: int = 0, **changed: Any) -> Site:
    """A site some microdegrees north and east of 30 degrees north, 120 degrees east."""
    fields: dict[str, Any] = {
        "id": id,
        "name_zh": "机房",
        "name_en": id,
        "region_id": "city",
        "role": SiteRole.PRIMARY,
        "latitude_microdegrees": 30_000_000 + north,
        "longitude_microdegrees": 120_000_000 + east,
    }
    return Site(**(fields | changed))


SECOND = a_site(id="second", north=107_000, east=186_000, role=SiteRole.SAME_CITY)
FAR = a_site(id="far", north=1_668_000, east=-2_785_000, role=SiteRole.REMOTE, partner_city=PARTNER)


def a_town_of_three_sites(*, agreed: bool = True) -> Town:
    town = a_town()
    town.keep(SECOND, FAR)
    for pool_id, site_id in (("mirror", "second"), ("vault", "far")):
        town.keep(
            a_pool(id=pool_id, site_id=site_id, stack="x86"),
            a_contract(id=f"contract-{pool_id}"),
            replace(
                a_quote(),
                id=f"quote-{pool_id}-vm",
                pool_id=pool_id,
                contract_id=f"contract-{pool_id}",
            ),
            an_inventory(pool_id=pool_id, of=VCPU),
            an_inventory(pool_id=pool_id, of=MEMORY),
        )
    if agreed:
        town.give(an_agreement(), "bureau.a")
    return town


def an_agreement(**changed: Any) -> RecordBackupAgreement:
    fields: dict[str, Any] = {
        "number": "test agreement 1",
        "partner_city": PARTNER,
        "site_id": "far",
        "starts_at": at("01-01 00:00"),
        "ends_at": at("12-31 00:00"),
        "scope": "data backup",
    }
    return RecordBackupAgreement(**(fields | changed))


def rule(town: Town, **changed: Any) -> None:
    """Let the town's policy say something else of pools or continuity."""
    policy = town.look(Policy, "policy")
    town.change(policy, **changed)
