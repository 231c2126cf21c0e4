"""Builders of proposals, and how they are lived through in a small city."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cloudmgr.domain.proposals import ChangeAction, Proposal, ProposedChange
from cloudmgr.services.proposals import (
    CoSignProposal,
    DraftProposal,
    OpenProposal,
    PublishProposal,
)
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling
from tests.support.worlds import Town

FEBRUARY = at("02-01 00:00")


def a_reprice(*, sku_id: str = "vm", to: str = "850.00") -> ProposedChange:
    ceiling = a_ceiling(sku_id=sku_id, at=to)
    return ProposedChange(action=ChangeAction.REPRICE, sku_id=sku_id, ceiling=ceiling)


def a_proposal(*changes: ProposedChange, **fields: Any) -> DraftProposal:
    said = {"title": "yearly review", "reason": "cheaper market"} | fields
    return DraftProposal(changes=changes or (a_reprice(),), **said)


def drafted(town: Town, *changes: ProposedChange, by: str = "desk.a") -> Proposal:
    proposal: Proposal = town.give(a_proposal(*changes), by)
    return proposal


def heard(town: Town, *changes: ProposedChange) -> Proposal:
    """Opened, and the time for comments is over."""
    proposal = drafted(town, *changes)
    opened: Proposal = town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    assert opened.comments_until is not None
    town.wait(max(town.now, opened.comments_until))
    return opened


def co_signed(town: Town, *changes: ProposedChange) -> Proposal:
    proposal = heard(town, *changes)
    signed: Proposal = town.give(CoSignProposal(proposal_id=proposal.id), "treasury.a")
    return signed


def a_publication(proposal: Proposal, *, begins: datetime = FEBRUARY) -> PublishProposal:
    return PublishProposal(proposal_id=proposal.id, document_number="test 2", effective_from=begins)


def published(town: Town, *changes: ProposedChange, begins: datetime = FEBRUARY) -> Proposal:
    proposal = co_signed(town, *changes)
    done: Proposal = town.give(a_publication(proposal, begins=begins), "bureau.a")
    return done
