"""What every record of the world has in common. Owns identity and version, nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A record: an id that never changes, and a version that counts how often it was put.

    Version 0 has never been stored. A put of a version that is no longer the stored one is
    refused, so nobody overwrites what they have not seen.
    """

    id: str
    version: int = 0
