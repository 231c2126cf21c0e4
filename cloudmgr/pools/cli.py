"""`cloudmgr pools`: print the pool interface, hold a pool to it. The edge: real time and chance."""

from __future__ import annotations

import json
import secrets
import time
from typing import Annotated

import httpx
import typer

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.pools import ManagementLevel
from cloudmgr.pools.conformance.probe import Probe, RunSettings
from cloudmgr.pools.conformance.report import Outcome, Report, Result
from cloudmgr.pools.conformance.suite import check_pool
from cloudmgr.pools.openapi import document

pools_app = typer.Typer(no_args_is_help=True, help="Resource pools and their interface.")

_MARKS = {Outcome.PASSED: "passed ", Outcome.FAILED: "FAILED ", Outcome.BLOCKED: "blocked"}
CONNECT_SECONDS = 5.0
_RANK = tuple(ManagementLevel)
_OWED = {
    ManagementLevel.REPORTING: "nothing by API: figures come as workbooks (报送级)",
    ManagementLevel.MONITORING: "health, inventory, resources, usage, incidents (监测级)",
    ManagementLevel.SCHEDULING: "orders too: provision, resize, release by key (调度级)",
}
"""What a pool owes at each level, in rising order."""


@pools_app.command("openapi")
def openapi() -> None:
    """Print the OpenAPI document of the pool interface."""
    typer.echo(json.dumps(document(), ensure_ascii=False, indent=2))


@pools_app.command("check")
def check(
    url: Annotated[str, typer.Argument(help="Where the pool's /pool/v1 stands")],
    level: Annotated[
        ManagementLevel, typer.Option(help="The management level it should reach")
    ] = ManagementLevel.SCHEDULING,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
    token: Annotated[
        str | None, typer.Option(envvar="CLOUDMGR_POOL_TOKEN", help="Bearer token of the pool")
    ] = None,
    sku: Annotated[str, typer.Option(help="Sku of the throw-away resource")] = "vm-x86-1c2g",
    patience: Annotated[float, typer.Option(min=0.1, help="Seconds an order may take")] = 60.0,
) -> None:
    """Hold a pool to the pool interface; exit code 1 unless every check of `--level` passed.

    The report says which level the pool reached: one that takes orders badly may still be read.
    At scheduling level one small resource named conformance-… is made, resized and released.
    """
    if level is ManagementLevel.REPORTING:
        raise bad_value("--level", "a reporting pool owes nothing by API; nothing to check")
    settings = RunSettings(
        run_id=secrets.token_hex(4),
        sku_id=sku,
        patience_seconds=patience,
        every_seconds=min(0.5, patience / 40),
    )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(settings.exchange_seconds, connect=CONNECT_SECONDS)
    if not url.startswith(("http://", "https://")):
        raise bad_value("url", f"{url!r} is no address of a pool; write http:// or https://")
    with httpx.Client(base_url=url, headers=headers, timeout=timeout) as http:
        probe = Probe(http, settings, sleep=time.sleep, now=time.monotonic)
        tell = (lambda result: None) if as_json else _tell
        report = check_pool(probe, url, level, with_token=token is not None, tell=tell)
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        _sum_up(report)
    if not report.conformant:
        raise typer.Exit(1)


def _tell(result: Result) -> None:
    typer.echo(f"{_MARKS[result.outcome]}  {result.id:<22}  {result.asks}")
    if result.why:
        typer.echo(f"         {result.why}")
    if result.outcome is Outcome.FAILED:
        for each in result.evidence[-2:]:
            typer.echo(f"         > {each.method} {each.path} {each.sent}".rstrip())
            typer.echo(f"         < {each.status} {each.received[:300]}".rstrip())


def _sum_up(report: Report) -> None:
    for left in report.left_behind:
        typer.echo(f"left behind: {left}")
    verdict = "conforms" if report.conformant else "does not conform"
    counts = ", ".join(f"{report.count(each)} {each}" for each in Outcome)
    typer.echo(f"{report.url} {verdict} at {report.level} level: {counts}")
    for level, owed in _OWED.items():
        mark = "conforms" if _RANK.index(level) <= _RANK.index(report.reached) else "does not"
        if level is ManagementLevel.SCHEDULING and report.level is not level:
            mark = "not asked"
        typer.echo(f"  {level:<10}  {mark:<9}  {owed}")
