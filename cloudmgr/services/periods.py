"""Billing periods: they open and end by time, and are closed by one command that can be resumed.

Owns the steps of a close, each fit for a transaction of its own: begin, rate a page, issue. Looping
them over transactions is `closing`, what a line is `domain.rating`. Lines stay drafts until the
last step issues them with their statements, postings and budget actuals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from catalog.money import total
from catalog.period import Month
from cloudmgr.domain import journal
from cloudmgr.domain.access import SYSTEM, Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.billing import (
    BillingPeriod,
    PeriodState,
    Statement,
    StatementSum,
    issued_statement,
    line_text,
    statement_id,
    sums_by_department,
)
from cloudmgr.domain.errors import (
    grace_running,
    period_closed,
    period_not_closed,
    unpriced,
)
from cloudmgr.domain.journal import PostingSet
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.lines import LineState, RatedLine
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.commitments import Due, post_month
from cloudmgr.services.fiscal_years import announce_turn
from cloudmgr.services.organisations import name_on_paper
from cloudmgr.services.policies import policy_now
from cloudmgr.services.rating import MonthRating, Usage, rating_context
from cloudmgr.services.reading import open_to_all
from cloudmgr.services.statements import await_answer
from cloudmgr.services.usage import hourly_sums
from cloudmgr.services.world import World

open_to_all(BillingPeriod)

PAGE_SIZE = 1000
"""Allocations rated in one transaction of a close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosePeriod(Command):
    """Close a billing month after its grace: rate it, issue statements, post them."""

    month: str


def open_period(world: World, month: Month, now: datetime) -> BillingPeriod:
    """Open a billing month; it ends by itself, and with a December the fiscal year.

    Raises `already_exists`.
    """
    timers.schedule(world, "period_end", str(month), month.period.end)
    if month.month == 12:
        announce_turn(world, month.year + 1)
    return world.put(BillingPeriod(id=str(month)))


@timers.on_timer("period_end")
def end_period(world: World, timer: Timer, at: datetime) -> None:
    """The month is over: late usage still counts for the days of grace; the next month opens."""
    period = world.get(BillingPeriod, timer.subject_id)
    until = _grace_end(world, Month.parse(period.id))
    world.put(advance(period, PeriodState.GRACE, grace_until=until))
    following = Month.parse(period.id).next()
    if world.seek(BillingPeriod, str(following)) is None:
        open_period(world, following, at)


@handles(Role.FINANCE)
def close_the_period(
    world: World, command: ClosePeriod, actor: Actor, now: datetime
) -> BillingPeriod:
    """The whole close in one transaction; see `close_step` for one that commits by pages."""
    period = _not_closed(world, command.month)
    if period.closing_at is None:
        period = begin(world, period, now)
        audit_close(world, period, actor, now)
    while not period.rated:
        period = rate_page(world, period)
    return issue_all(world, period, now)


def close_step(
    world: World,
    command: ClosePeriod,
    now: datetime,
    *,
    page_size: int = PAGE_SIZE,
    usage: Usage = hourly_sums,
) -> BillingPeriod:
    """The next step of a close: begin it, rate one page, or issue everything.

    Commit after each; repeat until the state is `closed`. Whatever is interrupted goes on where
    the last commit left it, and gives the same lines. Audits nothing (`closing` does). Raises
    `period_closed` for a month that is.
    """
    period = _not_closed(world, command.month)
    if period.closing_at is None:
        return begin(world, period, now)
    if not period.rated:
        return rate_page(world, period, page_size=page_size, usage=usage)
    return issue_all(world, period, now)


def begin(world: World, period: BillingPeriod, now: datetime) -> BillingPeriod:
    """Mark the period as being closed.

    Raises `grace_running`, or `period_not_closed` naming an earlier month.
    """
    until = period.grace_until or _grace_end(world, Month.parse(period.id))
    if period.state is PeriodState.OPEN or now < until:
        raise grace_running(period.id, until.isoformat())
    for other in world.find(BillingPeriod, state=(PeriodState.OPEN, PeriodState.GRACE)):
        if other.id < period.id:
            raise period_not_closed(other.id)
    return world.put(replace(period, closing_at=now))


def rate_page(
    world: World,
    period: BillingPeriod,
    *,
    page_size: int = PAGE_SIZE,
    usage: Usage = hourly_sums,
) -> BillingPeriod:
    """Rate the next page of allocations into draft lines and move the cursor.

    Raises `unpriced` with everything from here on that has no price; then nothing is stored.
    """
    rating = MonthRating(world, Month.parse(period.id), usage)
    page = world.find(Allocation, after=period.cursor, limit=page_size)
    rated = rating.rate(page)
    if rated.unpriced:
        raise unpriced(period.id, _all_unpriced(world, rating, period.cursor, page_size))
    world.put_many(rated.lines)
    return world.put(
        replace(
            period,
            cursor=page[-1].id if page else period.cursor,
            rated=len(page) < page_size,
        )
    )


def issue_all(world: World, period: BillingPeriod, now: datetime) -> BillingPeriod:
    """Close a fully rated period: issue its lines and statements, post them, move the budgets.

    `digest` is the SHA-256 over the text of all its lines in the order of their ids.
    """
    month = Month.parse(period.id)
    digest = hashlib.sha256()
    sums = sums_by_department(_issued_lines(world, month, digest))
    dues = {id: Due(each.payer_id, each.total) for id, each in sums.items()}
    budgeted = post_month(world, month, dues)
    due_at = add_workdays(now, policy_now(world, now).clocks.silence_workdays)
    statements = [
        issued_statement(
            period.id,
            id,
            sums[id],
            issued_at=now,
            due_at=due_at,
            budgeted=id in budgeted,
            names=(name_on_paper(world, id, now), name_on_paper(world, sums[id].payer_id, now)),
        )
        for id in sorted(sums)
    ]
    world.put_many(statements)
    for statement in statements:
        world.put_many(_postings(statement, sums[statement.department_id]))
        await_answer(world, statement, now)
    return world.put(
        advance(
            period,
            PeriodState.CLOSED,
            closed_at=now,
            line_count=sum(each.line_count for each in sums.values()),
            total=total(each.total for each in sums.values()),
            digest=digest.hexdigest(),
        )
    )


def audit_close(
    world: World, period: BillingPeriod, actor: Actor, now: datetime, request_id: str = ""
) -> None:
    """One of a close's two audit events: its beginning, or its end with the digest of the lines."""
    closed = period.state is PeriodState.CLOSED
    world.audit(
        at=now,
        user_id=actor.user_id,
        role="system" if actor is SYSTEM else Role.FINANCE,
        command="close_period" if closed else "begin_close_period",
        subject=f"BillingPeriod/{period.id}" + (f"#{period.digest}" if closed else ""),
        request_id=request_id,
    )


def _not_closed(world: World, month: str) -> BillingPeriod:
    period = world.get(BillingPeriod, month)
    if period.state is PeriodState.CLOSED:
        raise period_closed(month)
    return period


def _issued_lines(world: World, month: Month, digest: hashlib._Hash) -> Iterator[RatedLine]:
    """The month's lines, issued one by one. Who pays is as at the month's last instant, which a
    credit note given in between could not know."""
    places = rating_context(world, month).places
    for draft in world.stream(RatedLine, month=str(month)):
        line = replace(draft, payer_id=places[draft.department_id].payer_id)
        digest.update(line_text(line).encode())
        digest.update(b"\n")
        world.put(
            advance(
                line, LineState.ISSUED, statement_id=statement_id(line.month, line.department_id)
            )
        )
        yield line


def _postings(statement: Statement, summed: StatementSum) -> list[PostingSet]:
    """One set per payee, and one more where the payer waived something; nothing for zero."""
    source = journal.Source(id=statement.id, month=statement.month, at=statement.issued_at)
    return [
        make(
            source,
            payer_id=statement.payer_id,
            department_id=statement.department_id,
            payee_id=payee_id,
            amount=amount,
        )
        for make, amounts in (
            (journal.issue, summed.by_payee),
            (journal.waiver, {payee: -waived for payee, waived in summed.waived.items()}),
        )
        for payee_id, amount in sorted(amounts.items())
        if amount
    ]


def _all_unpriced(world: World, rating: MonthRating, cursor: str, page_size: int) -> Iterator[str]:
    """Everything behind the cursor that has no price, so that one look shows all there is to do."""
    while page := world.find(Allocation, after=cursor, limit=page_size):
        yield from rating.rate(page).unpriced
        cursor = page[-1].id


def _grace_end(world: World, month: Month) -> datetime:
    end = month.period.end
    return add_workdays(end, policy_now(world, end).clocks.grace_workdays)
