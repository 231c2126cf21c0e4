"""Proposals (目录调整方案): what a catalog version becomes the next one by, and whose signatures.

Owns states, changes and who may not sign. What a version may look like is `catalog.versions`;
what a change costs whom is `proposals_effect`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from catalog.errors import CloudmgrError
from catalog.prices import Ceiling
from catalog.skus import Flavor, Sku
from catalog.standards import ServiceStandard
from catalog.tables import surviving
from catalog.versions import CatalogVersion, check_successor
from cloudmgr.domain.catalogs import OFF_CATALOG, is_off_catalog
from cloudmgr.domain.errors import (
    bad_change,
    base_overtaken,
    comments_open,
    comments_over,
    same_person,
)
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value

T = TypeVar("T", bound=Sku | ServiceStandard)


class ProposalState(StrEnum):
    DRAFT = "draft"
    COMMENTING = "commenting"
    CO_SIGNED = "co_signed"
    PUBLISHED = "published"
    DROPPED = "dropped"


OPEN_STATES = (ProposalState.COMMENTING, ProposalState.CO_SIGNED, ProposalState.PUBLISHED)
"""Proposals that everybody may read; drafts and what was dropped are the offices'."""


class ChangeAction(StrEnum):
    ADD = "add"
    REPRICE = "reprice"
    RESTATE = "restate"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedChange:
    """One change on top of the base version.

    `add` brings a `sku` with its `ceiling` (and `candidate_id`, the agreement it comes from);
    `reprice` a `ceiling`; `restate` a `standard` (a new one too) or a `sku` as it shall read;
    `retire` names the `sku_id`.
    """

    action: ChangeAction
    sku_id: str = ""
    sku: Flavor | Sku | None = None
    standard: ServiceStandard | None = None
    ceiling: Ceiling | None = None
    candidate_id: str = ""
    reason: str = ""

    @property
    def subject(self) -> str:
        """What it changes: the id of a Sku or of a standard."""
        if self.standard is not None:
            return f"standard {self.standard.id}"
        return self.sku_id or (self.sku.id if self.sku else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Value):
    """目录调整方案: a draft, opened for comments, co-signed by finance, published or dropped.

    `author_ids` are all who wrote on it: none of them signs. Going back to a draft begins a new
    `round` and voids its signatures.
    """

    title: str
    reason: str
    base_version_id: str
    change_count: int
    author_ids: tuple[str, ...]
    drafted_at: datetime
    file_id: str | None = None
    round: int = 1
    comments_until: datetime | None = None
    co_signer_id: str = ""
    co_signed_at: datetime | None = None
    opinion: str = ""
    publisher_id: str = ""
    published_at: datetime | None = None
    version_id: str = ""
    outcome: str = ""
    state: ProposalState = ProposalState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Proposal",
        {
            ProposalState.DRAFT: ("起草", (ProposalState.COMMENTING, ProposalState.DROPPED)),
            ProposalState.COMMENTING: (
                "征求意见",
                (ProposalState.CO_SIGNED, ProposalState.DRAFT, ProposalState.DROPPED),
            ),
            ProposalState.CO_SIGNED: (
                "已会签",
                (ProposalState.PUBLISHED, ProposalState.DRAFT, ProposalState.DROPPED),
            ),
            ProposalState.PUBLISHED: ("已发布", ()),
            ProposalState.DROPPED: ("已撤销", ()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalContent(Value):
    """The changes of a proposal, whose id it has; apart, because lists need not carry them."""

    changes: tuple[ProposedChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalComment(Value):
    """意见: what an organisation says about an open proposal, or about one Sku of it."""

    proposal_id: str
    round: int
    organisation_id: str
    user_id: str
    text: str
    sku_id: str
    at: datetime


def amended(base: CatalogVersion, changes: Sequence[ProposedChange]) -> CatalogVersion:
    """The base with the changes made; it still carries the base's paper and date.

    Raises `bad_change` naming the change, or `bad_catalog` where the whole does not fit together.
    """
    _check_once(changes)
    version = base
    numbered = sorted(enumerate(changes, start=1), key=lambda each: each[1].standard is None)
    for number, change in numbered:  # standards first, for a new Sku may promise a new one
        try:
            version = _CHANGED[change.action](version, change, number)
        except CloudmgrError as error:
            if error.code == "bad_change":
                raise
            raise bad_change(number, error.message) from error
    check_successor(base, version)
    return surviving(version)


def changes_between(base: CatalogVersion, whole: CatalogVersion) -> tuple[ProposedChange, ...]:
    """What an uploaded whole catalog changes of the base.

    Raises `bad_change` for what it leaves out: a Sku retires, a standard stays, and a ceiling
    that was set is changed, not taken away.
    """
    for sku in base.skus:
        if not whole.has(sku.id):
            raise bad_change(0, f"the Sku {sku.id} is missing; set it retired, it cannot vanish")
        if base.ceiling_of(sku.id) and not whole.ceiling_of(sku.id):
            raise bad_change(0, f"the ceiling of {sku.id} is missing; it cannot be taken away")
    kept = {standard.id for standard in whole.standards}
    for standard in base.standards:
        if standard.id not in kept:
            raise bad_change(0, f"the standard {standard.id} is missing; bills refer to it")
    return (*_standards_between(base, whole), *_skus_between(base, whole))


def _standards_between(base: CatalogVersion, whole: CatalogVersion) -> Iterable[ProposedChange]:
    old = {standard.id: standard for standard in base.standards}
    for standard in whole.standards:
        if old.get(standard.id) != standard:
            yield ProposedChange(action=ChangeAction.RESTATE, standard=standard)


def _skus_between(base: CatalogVersion, whole: CatalogVersion) -> Iterable[ProposedChange]:
    for sku in whole.skus:
        ceiling = whole.ceiling_of(sku.id)
        if not base.has(sku.id):
            yield ProposedChange(action=ChangeAction.ADD, sku=sku, ceiling=ceiling)
            continue
        old = base.sku(sku.id)
        retires = sku.retired and not old.retired
        if replace(sku, retired=old.retired if retires else sku.retired) != old:
            kept = replace(sku, retired=False) if retires else sku
            yield ProposedChange(action=ChangeAction.RESTATE, sku=kept)
        if retires:
            yield ProposedChange(action=ChangeAction.RETIRE, sku_id=sku.id)
        if ceiling is not None and ceiling != base.ceiling_of(sku.id):
            yield ProposedChange(action=ChangeAction.REPRICE, sku_id=sku.id, ceiling=ceiling)


def check_base(proposal: Proposal, latest_version_id: str) -> None:
    """Raise `base_overtaken` when another version was published since."""
    if proposal.base_version_id != latest_version_id:
        raise base_overtaken(proposal.id, proposal.base_version_id, latest_version_id)


def check_commenting(proposal: Proposal, now: datetime) -> None:
    """Raise `comments_over` unless comments are being taken now."""
    until = proposal.comments_until
    if proposal.state is not ProposalState.COMMENTING or until is None or now >= until:
        raise comments_over(proposal.id, until.isoformat() if until else "never opened")


def check_heard(proposal: Proposal, now: datetime) -> None:
    """Raise `comments_open` while people may still say something."""
    until = proposal.comments_until
    if proposal.state is ProposalState.COMMENTING and until is not None and now < until:
        raise comments_open(proposal.id, until.isoformat())


def check_other_person(user_id: str, signed: Collection[str]) -> None:
    """Raise `same_person`: who wrote on a paper or signed it signs nothing more of it."""
    if user_id in signed:
        raise same_person("writing, co-signing and publishing a paper that moves money")


def _check_once(changes: Sequence[ProposedChange]) -> None:
    seen: set[tuple[ChangeAction, str]] = set()
    for number, change in enumerate(changes, start=1):
        key = (change.action, change.subject)
        if key in seen:
            raise bad_change(number, f"{change.action} of {change.subject} stands there already")
        seen.add(key)


def _add(version: CatalogVersion, change: ProposedChange, number: int) -> CatalogVersion:
    sku = change.sku
    if sku is None:
        raise bad_change(number, "adding needs the whole Sku")
    if version.has(sku.id):
        raise bad_change(number, f"{sku.id} exists already; restate or reprice it")
    if is_off_catalog(sku.id):
        raise bad_change(number, f"ids that begin with {OFF_CATALOG} are for agreements (一事一议)")
    grown = replace(version, skus=(*version.skus, sku))
    return grown if change.ceiling is None else _priced(grown, change.ceiling, sku.id, number)


def _reprice(version: CatalogVersion, change: ProposedChange, number: int) -> CatalogVersion:
    version.sku(change.sku_id)
    if change.ceiling is None:
        raise bad_change(number, "repricing needs the new ceiling with its source")
    return _priced(version, change.ceiling, change.sku_id, number)


def _restate(version: CatalogVersion, change: ProposedChange, number: int) -> CatalogVersion:
    if (change.standard is None) == (change.sku is None):
        raise bad_change(number, "restating names either a standard or a Sku as it shall read")
    if change.standard is not None:
        new = change.standard
        return replace(version, standards=_with(version.standards, new, new.id))
    assert change.sku is not None  # exactly one of both is there
    version.sku(change.sku.id)
    return replace(version, skus=_with(version.skus, change.sku, change.sku.id))


def _retire(version: CatalogVersion, change: ProposedChange, number: int) -> CatalogVersion:
    sku = version.sku(change.sku_id)
    if sku.retired:
        raise bad_change(number, f"{sku.id} is retired already")
    return replace(version, skus=_with(version.skus, replace(sku, retired=True), sku.id))


def _priced(version: CatalogVersion, ceiling: Ceiling, sku_id: str, number: int) -> CatalogVersion:
    if ceiling.sku_id != sku_id:
        raise bad_change(number, f"the ceiling is of {ceiling.sku_id}, the change of {sku_id}")
    others = tuple(each for each in version.ceilings if each.sku_id != sku_id)
    if len(others) == len(version.ceilings):
        return replace(version, ceilings=(*others, ceiling))
    kept = (ceiling if each.sku_id == sku_id else each for each in version.ceilings)
    return replace(version, ceilings=tuple(kept))


def _with(items: tuple[T, ...], new: T, id: str) -> tuple[T, ...]:
    """The items with one in the place of its namesake, else at the end."""
    if any(each.id == id for each in items):
        return tuple(new if each.id == id else each for each in items)
    return (*items, new)


_CHANGED = {
    ChangeAction.ADD: _add,
    ChangeAction.REPRICE: _reprice,
    ChangeAction.RESTATE: _restate,
    ChangeAction.RETIRE: _retire,
}
