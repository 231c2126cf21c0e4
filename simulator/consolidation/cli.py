"""`simulator validate ...`: wiring of the outside judge to the command line."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from simulator.terminal import refusals, say
from simulator.traces.planetlab import read_percent
from simulator.traces.registry import open_trace

app = typer.Typer(no_args_is_help=True)

Traces = Annotated[Path, typer.Option("--traces", help="A PlanetLab day folder.")]
Policy = Annotated[str, typer.Option("--policy", help="npa, dvfs, thr, iqr, mad or lr.")]
Parameter = Annotated[
    float | None,
    typer.Option("--parameter", help="Threshold or safety; thr 0.8, iqr 1.5, mad 2.5, lr 1.2."),
]
Selection = Annotated[str, typer.Option("--selection", help="mmt, random or maxcorr.")]
Mode = Annotated[str, typer.Option("--mode", help="cloudsim or physical.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the random selection.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.callback()
def validate() -> None:
    """Hold the simulator against published results."""


@app.command()
def planetlab(
    traces: Traces,
    policy: Policy,
    parameter: Parameter = None,
    selection: Selection = "mmt",
    mode: Mode = "cloudsim",
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Play the PlanetLab consolidation experiment on one day.

    wall_s is the play alone; reading the traces and compiling the kernels (once per version,
    then kept) are read_s and compile_s.
    """
    with refusals(as_json=as_json):
        row = _row(traces, policy, parameter, selection, mode, seed)
        say(row, as_json=as_json)


def _row(
    traces: Path, policy: str, parameter: float | None, selection: str, mode: str, seed: int
) -> dict[str, Any]:
    started = perf_counter()
    reader = open_trace(traces, "planetlab")
    percent = np.stack([read_percent(file) for file in reader.files()])
    read = perf_counter()
    # Here and not above: the compiler takes longer to import than other commands take to run.
    from simulator.consolidation.run import prepare, run_day

    prepare()
    prepared = perf_counter()
    outcome = run_day(
        percent, policy=policy, parameter=parameter, selection=selection, mode=mode, seed=seed
    )
    ended = perf_counter()
    measures = outcome.measures
    return {
        "policy": policy,
        "selection": selection,
        "mode": mode,
        "energy_kwh": round(measures.energy_kwh, 4),
        "migrations": outcome.migrations,
        "slatah_pct": round(100 * measures.slatah, 4),
        "pdm_pct": round(100 * measures.pdm, 4),
        "slav_pct": round(100 * measures.slatah * measures.pdm, 6),
        "host_shutdowns": measures.host_shutdowns,
        "vms": outcome.vms,
        "wall_s": round(ended - prepared, 4),
        "read_s": round(read - started, 4),
        "compile_s": round(prepared - read, 4),
    }
