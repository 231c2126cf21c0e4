"""The reference city, read once and loaded once; the tests only read them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.load import find_version
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import City
from cloudmgr.cities.load import CityLoaded, load_city
from cloudmgr.cities.read import CITIES, find_city
from cloudmgr.services.memory import MemoryNode

Break = Callable[[str, str, str], Path]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A node with the city in it, and what the load said."""

    node: MemoryNode
    answer: CityLoaded


@pytest.fixture(scope="session")
def city() -> City:
    return find_city("reference")


@pytest.fixture(scope="session")
def catalog(city: City) -> CatalogVersion:
    return find_version(city.catalog_id)


@pytest.fixture(scope="session")
def loaded() -> Loaded:
    node = MemoryNode()
    with node.transaction() as world:
        answer = load_city(world, "reference")
    return Loaded(node, answer)


@pytest.fixture
def broken(tmp_path: Path) -> Break:
    """A copy of the reference city in which one text of one file is replaced once."""

    def break_it(file: str, old: str, new: str) -> Path:
        folder = tmp_path / "reference"
        if not folder.exists():
            shutil.copytree(CITIES / "reference", folder)
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} does not stand in {file}"
        (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return break_it
