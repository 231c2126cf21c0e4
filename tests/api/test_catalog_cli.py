"""`cloudmgr catalog export | import --url`: through a node that serves, as its user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from catalog.errors import CloudmgrError
from cloudmgr.catalog_cli import catalog_app
from cloudmgr.cities.load import load_city
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.api import bearer, give_tokens, secret_of
from tests.support.served import ServedNode


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder / 'node.db'}"
    upgrade(url)
    node = SqlNode(url, MemoryLake(), durable=False)
    with node.transaction() as world:
        load_city(world, "reference")
        give_tokens(world, world.get(NodeSettings, NODE_ID).created_at)
    node.close()
    with ServedNode(folder, url) as serving:
        yield serving


def run(served: ServedNode, login: str, *words: object) -> Result:
    told = [*map(str, words), "--url", served.url, "--token", secret_of(login), "--json"]
    return CliRunner().invoke(catalog_app, told)


@pytest.mark.parametrize("form", ["toml", "xlsx"])
def test_a_catalog_goes_out_and_comes_back_as_a_proposal(
    served: ServedNode, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"catalog.{form}"
    assert run(served, "d01.user", "export", "2026-01-01", file).exit_code == 0
    drafted = run(served, "opco.a", "import", file, "--title", "yearly review")
    assert drafted.exit_code == 0, drafted.output
    told = json.loads(drafted.stdout)
    assert told["changes"] == 0
    url = f"{served.url}/api/v1/proposals/{told['proposal']}"
    answer = httpx.get(url, headers=bearer(secret_of("finance.a"))).json()
    assert (answer["title"], answer["state"]) == ("yearly review", "draft")


def test_the_nodes_refusal_is_told_as_our_own(served: ServedNode, tmp_path: Path) -> None:
    refusal = run(served, "d01.user", "export", "never", tmp_path / "a.toml").exception
    assert isinstance(refusal, CloudmgrError)
    assert refusal.code == "not_found"
