"""The one reader: the shipped catalogs, and refusals that name file, item and field."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from catalog.errors import Invalid, NotFound
from catalog.load import DATA, find_version, load_catalog, shipped_versions
from catalog.period import Month
from catalog.quantity import ResourceClass
from catalog.skus import Category, FigureKind, Flavor, PricingModel
from catalog.versions import CatalogVersion, ChangeKind, diff, publish

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped catalog that a test may spoil."""
    return Path(shutil.copytree(DATA / "2026-01-01", tmp_path / "2026-01-01"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(name: str, old: str, new: str) -> None:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


def refusal(folder: Path) -> Invalid:
    with pytest.raises(Invalid) as refused:
        load_catalog(folder)
    assert refused.value.code == "bad_catalog"
    return refused.value


def test_the_current_catalog_is_in_force_in_the_reference_month() -> None:
    assert load_catalog().effective_from == Month.parse("2026-01").period.start


def test_the_shipped_catalog_covers_every_chapter_and_model() -> None:
    skus = load_catalog().skus
    assert len(skus) >= 70
    assert {sku.category for sku in skus} == set(Category)
    assert sum(sku.model is PricingModel.METERED for sku in skus) >= 6
    assert sum(sku.model is PricingModel.ONE_OFF for sku in skus) >= 3
    assert {stack for sku in skus if sku.xinchuang for stack in sku.stacks} == {"kunpeng", "hygon"}


@pytest.mark.parametrize("stack", ["x86", "kunpeng", "hygon"])
def test_every_stack_has_a_ladder_of_bundles_of_the_size_in_their_name(stack: str) -> None:
    ladder = load_catalog().ladder(f"vm-{stack}-general")
    assert {"2c4g", "4c8g", "8c16g", "16c32g", "16c64g"} <= {f.id.split("-")[-1] for f in ladder}
    for flavor in ladder:
        assert flavor.id == f"vm-{stack}-{flavor.vcpus}c{flavor.memory_mib // 1024}g"
        assert flavor.stacks == (stack,)
    assert [f.vcpus for f in ladder] == sorted(f.vcpus for f in ladder)


@pytest.mark.parametrize("version", shipped_versions(), ids=lambda version: version.id)
def test_every_shipped_figure_says_where_it_comes_from(version: CatalogVersion) -> None:
    assert version.kind is FigureKind.SAMPLE
    for sku in version.skus:
        ceiling = version.ceiling_of(sku.id)
        assert ceiling is not None
        assert ceiling.kind is FigureKind.SAMPLE
        assert "示例参数" in ceiling.source
        assert ceiling.note
        for figure in sku.sources:
            assert figure.kind is FigureKind.LIST
            assert figure.source
            assert figure.year
            assert "confidence" in figure.note


def test_ceilings_follow_the_rule_they_state() -> None:
    catalog = load_catalog()
    listed = 0
    for sku in catalog.skus:
        ceiling = catalog.ceiling_of(sku.id)
        assert ceiling is not None
        if ceiling.note == "first list price of list_prices.csv x 0.90":
            assert ceiling.tiers[0].unit_price == sku.sources[0].value * Decimal("0.9")
            listed += 1
        elif ceiling.note.startswith("list prices of the stack"):
            stack = sku.stacks[0]
            vcpu = catalog.sku(f"vcpu-{stack}-general").sources[0].value
            gib = catalog.sku(f"memory-{stack}-general").sources[0].value
            whole = sku.vcpus * vcpu + sku.memory_mib // 1024 * gib
            assert ceiling.tiers[0].unit_price == whole * Decimal("0.9")
    assert listed > 70


def test_metered_skus_turn_readings_into_units() -> None:
    catalog = load_catalog()
    meters = {
        "egress-internet": ("egress_mib", 1024),
        "container-core-hour": ("cpu_millicore_minutes", 1000 * 60),
        "api-gateway-calls": ("api_calls", 10_000),
        "sms-notice": ("sms_messages", 1),
    }
    for sku_id, expected in meters.items():
        sku = catalog.sku(sku_id)
        assert (sku.meter, sku.meter_units_per_unit) == expected
    ceiling = catalog.ceiling_of("egress-internet")
    assert ceiling is not None
    assert len(ceiling.tiers) == 3


def test_a_standby_takes_its_share_of_the_pool() -> None:
    database = load_catalog().sku("rds-ha-4c8g")
    assert (database.vcpus, database.memory_mib) == (8, 16384)
    assert not isinstance(database, Flavor)
    assert load_catalog().sku("dameng-8c16g").units_of(ResourceClass.LICENCE) == 1


def test_storage_is_charged_while_stopped_and_compute_is_not() -> None:
    catalog = load_catalog()
    assert catalog.sku("block-ssd").charged_when_stopped
    assert not catalog.sku("vm-x86-2c4g").charged_when_stopped


def test_a_share_is_read_exactly() -> None:
    standard = load_catalog().standard_of("vm-x86-2c4g")
    assert standard.availability == Fraction(9995, 10_000)
    assert standard.credit_share(Fraction("0.9994")) == Fraction(1, 10)


def test_the_july_catalog_could_be_published_after_january_and_shows_every_kind_of_change() -> None:
    january, july = shipped_versions()
    assert publish((january,), july, now=Month.parse("2026-05").period.start) == (january, july)
    changes = diff(january, july)
    assert {each.kind for each in changes} == set(ChangeKind) - {ChangeKind.REMOVED}
    lowered = [each for each in changes if each.kind is ChangeKind.REPRICED]
    for each in lowered:
        before, after = january.ceiling_of(each.id), july.ceiling_of(each.id)
        assert before
        assert after
        assert after.tiers[0].unit_price < before.tiers[0].unit_price
    assert july.sku("block-sata").retired
    assert not january.has("model-inference")


def test_what_an_amendment_does_not_name_stays() -> None:
    january, july = shipped_versions()
    assert july.sku("vm-hygon-2c4g") == january.sku("vm-hygon-2c4g")
    assert july.sku("vm-hygon-2c4g").sources
    assert july.sku("block-sata").sources == january.sku("block-sata").sources


def test_a_sku_keeps_every_published_price_in_the_order_of_the_file(
    folder: Path, edit: Edit
) -> None:
    edit("list_prices.csv", "\nvm-x86-2c4g,", "\nvm-x86-2c4g,170,tencent,older\nvm-x86-2c4g,")
    listed = load_catalog(folder).sku("vm-x86-2c4g").sources
    assert [each.value for each in listed] == [Decimal(170), Decimal(160)]


def test_a_version_is_found_by_id_or_by_folder(folder: Path) -> None:
    assert find_version("2026-07-01").id == "2026-07-01"
    assert find_version(str(folder)) == load_catalog(folder / "version.toml") == load_catalog()
    with pytest.raises(NotFound, match="2026-01-01, 2026-07-01"):
        find_version("2031-01-01")


def test_a_float_offered_as_a_ceiling_is_refused_with_file_item_and_field(
    folder: Path, edit: Edit
) -> None:
    edit("ceilings.toml", 'vm-x86-2c4g = "144.00"', "vm-x86-2c4g = 144.00")
    error = refusal(folder)
    assert error.details["cause"] == "float_money"
    for part in ("2026-01-01/ceilings.toml", "vm-x86-2c4g", "unit_price", "as a string"):
        assert part in error.message


def test_a_float_in_a_tier_is_refused_with_its_tier(folder: Path, edit: Edit) -> None:
    edit("ceilings.toml", 'unit_price = "0.42"', "unit_price = 0.42")
    error = refusal(folder)
    assert "egress-internet, tier 2, field unit_price" in error.message


def line_of(folder: Path, name: str, start: str) -> int:
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, start=1) if line.startswith(start))


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (",recurring,VCPU:2 MEMORY_MIB:4096", ",hourly,VCPU:2 MEMORY_MIB:4096", "model"),
        ("VCPU:2 MEMORY_MIB:4096", "VCPU:two MEMORY_MIB:4096", "resources"),
        ("VCPU:2 MEMORY_MIB:4096", "CORES:2 MEMORY_MIB:4096", "resources"),
        ("VCPU:2 MEMORY_MIB:4096", "MEMORY_MIB:4096", "resources"),
        ("cpu_millicores,,vm", "cpu_millicores,-1,vm", "meter_units_per_unit"),
        ("cpu_millicores,,vm", "cpu_millicores,,hovercraft", "standard_id"),
        ("General VM 2c4g", "", "name_en"),
        (",no,x86,vm-x86-general", ",maybe,x86,vm-x86-general", "xinchuang"),
        (",no,x86,vm-x86-general", ",yes,x86,vm-x86-general", "xinchuang"),
        (",no,no,dongguan", ",no,no,atlantis", "item_source"),
    ],
)
def test_a_bad_sku_is_refused_with_line_and_field(
    folder: Path, edit: Edit, old: str, new: str, field: str
) -> None:
    row = next(
        line
        for line in (folder / "skus.csv").read_text(encoding="utf-8").splitlines()
        if line.startswith("vm-x86-2c4g,")
    )
    assert old in row
    edit("skus.csv", row, row.replace(old, new, 1))
    error = refusal(folder)
    number = line_of(folder, "skus.csv", "vm-x86-2c4g,")
    assert f"2026-01-01/skus.csv line {number}" in error.message
    assert "vm-x86-2c4g" in error.message
    assert f"field {field}" in error.message


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("skus.csv", "id,name_zh", "id,name", "skus.csv line 1: the columns must be"),
        ("skus.csv", "\nvm-x86-2c4g,", "\nvm-x86-2c4g,more,", "19 cells instead of 18"),
        ("skus.csv", "\nvm-x86-2c4g,", '\nvm-x86-2c4g,"', "skus.csv: cannot be read"),
        (
            "skus.csv",
            "\nvm-x86-2c8g,",
            "\nvm-x86-2c4g,",
            "already defined in 2026-01-01/skus.csv line",
        ),
        (
            "list_prices.csv",
            "\nvm-x86-2c4g,160",
            "\nvm-x86-3c4g,160",
            "no Sku vm-x86-3c4g is defined",
        ),
        ("list_prices.csv", "\nvm-x86-2c4g,160", "\nvm-x86-2c4g,1e2", "field value"),
        ("list_prices.csv", "\nvm-x86-2c4g,160", "\nvm-x86-2c4g,-160", "is negative"),
        ("list_prices.csv", "160,ctyun", "160,dongguan", "items and units only"),
        ("ceilings.toml", 'source = "sample"', 'source = "hearsay"', "no source 'hearsay'"),
        ("ceilings.toml", '"144.00"', '"144.0000001"', "more than 6 decimals"),
        ("ceilings.toml", '"144.00"', "144", 'must be written as a string, such as "12.30"'),
        ("ceilings.toml", "vm-x86-2c4g =", "vm-x86-3c4g =", "ceiling of vm-x86-3c4g, field sku"),
        ("ceilings.toml", "from = 1024", "from = 0", "the tier from 0 follows the one from 0"),
        (
            "ceilings.toml",
            "[ceilings.tiers]\n",
            "[ceilings.tiers]\nvm-x86-2c4g = []\n",
            "already defined",
        ),
        ("ceilings.toml", 'rule = "first', 'ruel = "first', "field ruel: is unknown"),
        ("ceilings.toml", '"144.00"', '"144.00', "ceilings.toml: cannot be read"),
        (
            "standards.toml",
            'availability = "0.9995"',
            "availability = 0.9995",
            "field availability",
        ),
        ("standards.toml", 'availability = "0.9995"', 'availability = "1.5"', "field availability"),
        (
            "standards.toml",
            "response_minutes = 30",
            "response_minutes = 0.5",
            "field response_minutes",
        ),
        ("standards.toml", 'share = "0.10"', 'share = "0.90"', "field credits"),
        (
            "version.toml",
            "effective_from = 2026-01-01",
            'effective_from = "soon"',
            "effective_from",
        ),
        ("version.toml", 'kind = "sample"', 'kind = "guess"', "field kind"),
        ("version.toml", 'title = "Inspur', 'titel = "Inspur', "(source inspur), field titel"),
        (
            "version.toml",
            'id = "2026-01-01"',
            'id = "2026-01-01"\namends = "1999"',
            "1999/version.toml",
        ),
        ("version.toml", 'id = "2026-01-01"', 'id = "a"\namends = "2026-01-01"', "in a circle"),
    ],
)
def test_a_spoilt_file_is_refused_with_its_place(
    folder: Path, edit: Edit, name: str, old: str, new: str, expected: str
) -> None:
    edit(name, old, new)
    error = refusal(folder)
    assert expected in error.message


@pytest.mark.parametrize("name", ["version.toml", "standards.toml", "skus.csv", "ceilings.toml"])
def test_a_catalog_of_its_own_needs_all_its_files(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert f"2026-01-01/{name}" in refusal(folder).message


def test_an_amendment_lies_after_what_it_amends(folder: Path) -> None:
    july = Path(shutil.copytree(DATA / "2026-07-01", folder.parent / "2026-07-01"))
    head = (july / "version.toml").read_text(encoding="utf-8")
    (july / "version.toml").write_text(
        head.replace("effective_from = 2026-07-01", "effective_from = 2026-01-01"), encoding="utf-8"
    )
    assert "must lie after that of 2026-01-01" in refusal(july).message


def test_a_file_saved_by_a_spreadsheet_reads_the_same(folder: Path) -> None:
    path = folder / "skus.csv"
    text = path.read_text(encoding="utf-8")
    path.write_text("\ufeff" + text.replace("\n", "\r\n") + "\r\n", encoding="utf-8", newline="")
    assert load_catalog(folder) == load_catalog()
