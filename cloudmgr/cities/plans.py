"""What a city says of its pools' rules and papers and of its disaster recovery, still as rules.

Reading them is `read_continuity`, expanding them `put_continuity`. Ids are given when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.adoption import AdoptionTarget
from cloudmgr.domain.certificates import CertificateKind
from cloudmgr.domain.continuity import BackupAgreement, ContinuityRules, ReplicaRole
from cloudmgr.domain.drills import Drill
from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.domain.networks import PrivateNetwork
from cloudmgr.domain.policy_pools import PoolRules
from cloudmgr.domain.pools_makeup import Component


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRule:
    """A paper that every pool has, or every system of some protection levels; systems are tested
    `every_months`, each in its own month."""

    kind: CertificateKind
    number: str
    issuer: str
    mlps_level: int | None = None
    mlps_levels: tuple[int, ...] = ()
    valid_from: datetime | None = None
    expires_at: datetime | None = None
    every_months: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRule:
    """The allocations of an opening rule are copies of the first of `primary_rules` the system
    has, but for those `without`."""

    rule_id: str
    role: ReplicaRole
    primary_rules: tuple[str, ...]
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolsPlan:
    """What `pool_rules.toml` says."""

    rules: PoolRules
    makeup: Mapping[str, tuple[Component, ...]]
    pool_certificates: tuple[CertificateRule, ...]
    application_certificates: tuple[CertificateRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuityPlan:
    """What `continuity.toml` says."""

    rules: ContinuityRules
    replicas: tuple[ReplicaRule, ...]
    agreements: tuple[BackupAgreement, ...]
    drills: tuple[Drill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledgers:
    """What stood in a city before the cloud, and its targets."""

    machine_rooms: tuple[MachineRoom, ...] = ()
    networks: tuple[PrivateNetwork, ...] = ()
    targets: tuple[AdoptionTarget, ...] = ()
