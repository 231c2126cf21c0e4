"""What a simulated pool remembers: its orders and resources, in memory and in one file.

The file is a journal of JSON lines, the last line about a record holds. A line is written before
the answer leaves, so a pool that is killed and started again knows everything it answered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.pools_interface import (
    PoolOperation,
    PoolResource,
    ProvisionOrder,
    ResizeOrder,
)
from cloudmgr.services import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An order taken on, and when it will be done. `digest` tells whether a repeat is the same."""

    operation: PoolOperation
    digest: str
    due_at: datetime
    provision: ProvisionOrder | None = None
    resize: ResizeOrder | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """From `since` on this many VCPU."""

    since: datetime
    vcpu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A resource with the history its readings come from."""

    resource: PoolResource
    sizes: tuple[Sized, ...]
    released_at: datetime | None = None


class PoolState:
    """All works by operation id and resources by id, in the order they came.

    `allocated` is the sum of what is not released, `unfinished` the works that have not ended.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.works: dict[str, Work] = {}
        self.kept: dict[str, Kept] = {}
        self.allocated: Counter[ResourceClass] = Counter()
        self.unfinished: dict[str, Work] = {}
        self._keys: dict[str, str] = {}
        self._journal: IO[str] | None = None
        if file is not None:
            self._load(file)
            self._journal = file.open("a", encoding="utf-8")

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def of_key(self, key: str) -> Work | None:
        found = self._keys.get(key)
        return None if found is None else self.works[found]

    def put_work(self, work: Work) -> None:
        self.works[work.operation.id] = work
        self._keys[work.operation.key] = work.operation.id
        if work.operation.status.final:
            self.unfinished.pop(work.operation.id, None)
        else:
            self.unfinished[work.operation.id] = work
        self._write("work", work)

    def put_kept(self, kept: Kept) -> None:
        before = self.kept.get(kept.resource.id)
        if before is not None and before.released_at is None:
            self._count(before, -1)
        if kept.released_at is None:
            self._count(kept, 1)
        self.kept[kept.resource.id] = kept
        self._write("kept", kept)

    def present(self) -> Iterator[PoolResource]:
        """What is not released, in order of id."""
        return (each.resource for each in self.kept.values() if each.released_at is None)

    def latest(self) -> datetime | None:
        """The last moment anything is known of."""
        moments = [work.operation.ended_at or work.due_at for work in self.works.values()]
        moments += [each.sizes[-1].since for each in self.kept.values()]
        moments += [each.released_at for each in self.kept.values() if each.released_at]
        return max(moments, default=None)

    def _count(self, kept: Kept, sign: int) -> None:
        for amount in kept.resource.amounts:
            self.allocated[amount.resource_class] += sign * amount.units

    def _write(self, kind: str, record: Work | Kept) -> None:
        if self._journal is not None:
            self._journal.write(codec.text([kind, codec.dump(record)]) + "\n")
            self._journal.flush()

    def _load(self, file: Path) -> None:
        """Read the journal back; a torn last line was never answered and is cut off."""
        if not file.exists():
            return
        whole, _, torn = file.read_text(encoding="utf-8").rpartition("\n")
        for line in whole.splitlines():
            kind, data = json.loads(line)
            if kind == "work":
                self.put_work(codec.load(Work, data))
            else:
                self.put_kept(codec.load(Kept, data))
        if torn:
            file.write_text(whole + "\n" if whole else "", encoding="utf-8")


def units(amounts: tuple[ResourceAmount, ...], resource_class: ResourceClass) -> int:
    """Base units of one class in a size; 0 when it has none."""
    return sum(each.units for each in amounts if each.resource_class is resource_class)
