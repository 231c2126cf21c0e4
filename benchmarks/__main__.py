"""All benchmarks in one run: `python -m benchmarks [--json] [--readings N]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import commands, rated_rows, usage_lake
from cloudmgr.usage.lake import DirectoryLake, MemoryLake


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--readings", type=int, default=1_000_000, help="rows for the usage lake")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    args = parser.parse_args()
    results = {f"rating: {name}": told for name, told in rated_rows.measured().items()}
    resources = usage_lake.resources_for(args.readings)
    results["lake: memory"] = usage_lake.measured(MemoryLake(), resources, as_parquet=False)
    with tempfile.TemporaryDirectory() as folder:
        lake = DirectoryLake(Path(folder))
        results["lake: folder"] = usage_lake.measured(lake, resources, as_parquet=True)
    results |= {f"commands: {name}": told for name, told in commands.measured().items()}
    if args.json:
        print(json.dumps(results))
        return
    for name, told in results.items():
        sys.stdout.write(f"\n{name}\n")
        for key, value in told.items():
            sys.stdout.write(f"  {key:<24} {value:>14,}\n")


if __name__ == "__main__":
    main()
