"""Reads who there is: regions, sites, organisations and the people of each kind of them."""

from __future__ import annotations

from pathlib import Path

from cloudmgr.cities.city import Person
from cloudmgr.cities.records import CityRecord, keyed, known, rows
from cloudmgr.domain.access import Role
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region, RegionLevel
from cloudmgr.domain.pools import Site, SiteRole, check_site

ORGANISATION_COLUMNS = (
    "id", "kind", "name_zh", "name_en", "region", "budget_unit_code", "social_credit_code",
)  # fmt: skip


def read_regions(city: CityRecord) -> dict[str, Region]:
    """The regions in the order of the file; a parent stands before its children."""
    found: dict[str, Region] = {}
    for record in city.items("regions", "region"):
        record.only("id", "name_zh", "name_en", "level", "parent")
        id = keyed(record.text("id"), found, record)
        has_parent = bool(record.text("parent", ""))
        found[id] = Region(
            id=id,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            level=record.choice("level", RegionLevel),
            parent_id=known(record, "parent", "region above it", found) if has_parent else None,
        )
    return found


def read_sites(city: CityRecord, regions: dict[str, Region]) -> dict[str, Site]:
    found: dict[str, Site] = {}
    for record in city.items("sites", "site"):
        record.only(
            "id", "name_zh", "name_en", "region", "role", "latitude_microdegrees",
            "longitude_microdegrees", "racks", "racks_used", "pue_hundredths", "partner_city",
        )  # fmt: skip
        id = keyed(record.text("id"), found, record)
        site = Site(
            id=id,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            region_id=known(record, "region", "region", regions),
            role=record.choice("role", SiteRole),
            latitude_microdegrees=record.whole("latitude_microdegrees"),
            longitude_microdegrees=record.whole("longitude_microdegrees"),
            racks=record.whole("racks", 0),
            racks_used=record.whole("racks_used", 0),
            pue_hundredths=record.whole("pue_hundredths")
            if "pue_hundredths" in record.values
            else None,
            partner_city=record.text("partner_city", ""),
        )
        with record.located():
            check_site(site)
        found[id] = site
    return found


def read_organisations(path: Path, regions: dict[str, Region]) -> dict[str, Organisation]:
    found: dict[str, Organisation] = {}
    for record in rows(path, ORGANISATION_COLUMNS):
        id = keyed(record.text("id"), found, record)
        found[id] = Organisation(
            id=id,
            kind=record.choice("kind", OrganisationKind),
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            region_id=known(record, "region", "region", regions),
            budget_unit_code=record.text("budget_unit_code", ""),
            social_credit_code=record.text("social_credit_code", ""),
        )
    return found


def read_people(
    city: CityRecord, organisations: dict[str, Organisation], regions: dict[str, Region]
) -> tuple[Person, ...]:
    """One person per post in every organisation of the kind (and region level, where named)."""
    found: dict[str, Person] = {}
    for record in city.items("people", "post"):
        record.only("kind", "level", "post", "title_zh", "roles")
        kind = record.choice("kind", OrganisationKind)
        level = record.choice("level", RegionLevel) if record.text("level", "") else None
        roles = record.many("roles", Role)
        for organisation in organisations.values():
            if organisation.kind is not kind:
                continue
            if level not in (None, regions[organisation.region_id].level):
                continue
            login = keyed(f"{organisation.id}.{record.text('post')}", found, record)
            found[login] = Person(
                login=login,
                name=f"{organisation.name_zh}{record.text('title_zh')}",
                organisation_id=organisation.id,
                roles=roles,
            )
    return tuple(found.values())
