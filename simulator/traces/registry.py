"""Which trace formats there are. Owns their names; each reader owns its format."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from catalog.errors import Invalid, NotFound
from simulator.traces.base import TraceReader
from simulator.traces.bitbrains import BitbrainsReader
from simulator.traces.longform import LongReader
from simulator.traces.planetlab import PlanetLabReader

READERS: Mapping[str, Callable[[Path], TraceReader]] = {
    PlanetLabReader.format: PlanetLabReader,
    BitbrainsReader.format: BitbrainsReader,
    LongReader.format: LongReader,
}


def open_trace(path: Path, format: str) -> TraceReader:
    """A reader of the trace at `path`.

    Raises `unknown_trace_format`, `trace_not_found`, or `bad_trace` when the files there are
    not of that format.
    """
    if format not in READERS:
        raise Invalid(
            "unknown_trace_format",
            f"{format!r} is not a trace format; use one of {', '.join(sorted(READERS))}",
            format=format,
        )
    if not path.exists():
        raise NotFound("trace_not_found", f"there is no trace at {path}; check the path")
    return READERS[format](path)


def file_digest(reader: TraceReader) -> str:
    """SHA-256 over the trace's files, names within the folder included: the same files, the
    same digest, whatever the format says of them."""
    digest = hashlib.sha256()
    for file in reader.files():
        name = file.relative_to(reader.path).as_posix() if reader.path.is_dir() else ""
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def byte_size(reader: TraceReader) -> int:
    return sum(file.stat().st_size for file in reader.files())
