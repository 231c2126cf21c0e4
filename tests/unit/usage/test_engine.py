"""The engine keeps to the threads and the memory it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from catalog.errors import CloudmgrError
from cloudmgr.usage.engine import DuckDbEngine


def setting(engine: DuckDbEngine, name: str) -> Any:
    with engine.session() as session:
        backend: Any = session.backend  # type: ignore[attr-defined]
        (found,) = backend.con.execute(f"SELECT current_setting('{name}')").fetchone()
        return found


def test_threads_memory_and_the_spill_folder_are_what_was_asked_for(tmp_path: Path) -> None:
    engine = DuckDbEngine(threads=1, memory_limit_mib=128, spill_folder=str(tmp_path))
    assert setting(engine, "threads") == 1
    assert setting(engine, "memory_limit") == "128.0 MiB"
    assert setting(engine, "temp_directory") == str(tmp_path)


def test_it_never_fetches_extensions_and_never_spills_beside_the_program() -> None:
    engine = DuckDbEngine()
    assert setting(engine, "autoinstall_known_extensions") is False
    assert setting(engine, "autoload_known_extensions") is False
    assert Path(setting(engine, "temp_directory")).is_absolute()


@pytest.mark.parametrize("options", [{"threads": 0}, {"memory_limit_mib": 63}])
def test_limits_nothing_can_run_in_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(CloudmgrError) as refused:
        DuckDbEngine(**options)  # type: ignore[arg-type]
    assert refused.value.code == "bad_value"


def test_arrow_goes_in_and_comes_out() -> None:
    with DuckDbEngine(threads=1).session() as session:
        table = session.from_arrow(pa.table({"n": [3, 1, 2]}))
        assert session.run(table.order_by("n")).to_pydict() == {"n": [1, 2, 3]}
