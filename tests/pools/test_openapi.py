"""The published document, and that the simulated pool was written to it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from cloudmgr.domain.pools_interface import INTERFACE_VERSION, PREFIX
from cloudmgr.pools.openapi import document
from simulator.pool.app import create_pool_app
from simulator.pool.honest import HonestPool
from simulator.pool.state import PoolState
from simulator.pool.supply import PoolSettings

WORDS = {"description", "summary", "tags", "title", "info"}
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def without_words(document: Any) -> Any:
    """A document without what is only there for people."""
    if isinstance(document, dict):
        return {
            name: without_words(part)
            for name, part in document.items()
            if not (name in WORDS and isinstance(part, str | list)) and name != "info"
        }
    if isinstance(document, list):
        return [without_words(part) for part in document]
    return document


def test_the_command_prints_the_versioned_document() -> None:
    program = "from cloudmgr.pools.cli import pools_app; pools_app()"
    done = subprocess.run(
        [sys.executable, "-c", program, "openapi"], capture_output=True, text=True, check=True
    )
    printed = json.loads(done.stdout)
    assert printed == document()
    assert printed["openapi"].startswith("3.1")
    assert printed["info"]["version"] == INTERFACE_VERSION
    assert all(path.startswith(f"{PREFIX}/") for path in printed["paths"])


def test_every_order_takes_an_idempotency_key_and_is_accepted_with_202() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if method != "post":
                continue
            headers = [each["name"] for each in operation["parameters"] if each["in"] == "header"]
            assert headers == ["Idempotency-Key"], path
            assert {"202", "409", "422"} <= set(operation["responses"]), path


def test_the_simulated_pool_serves_the_published_document() -> None:
    settings = PoolSettings(pool_id="P", opened_at=MOMENT)
    pool = HonestPool(settings, PoolState(), lambda: MOMENT)
    served = without_words(create_pool_app(pool).openapi())
    published = without_words(document())
    assert served["paths"] == published["paths"]
    assert served["components"] == published["components"]
