"""Every refusal of the node, one function per stable code; codes never change meaning.

The tree stands in `catalog.errors`. A message says what was wrong and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from catalog.errors import (
    CloudmgrError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooMany,
    Unauthenticated,
    Unavailable,
)

__all__ = [
    "CloudmgrError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Outdated",
    "TooMany",
    "Unauthenticated",
    "Unavailable",
]


# --- records -------------------------------------------------------------------------------


def not_found(kind: str, id: str) -> NotFound:
    return NotFound("not_found", f"there is no {kind} {id!r}, or it is not yours to see")


def already_exists(kind: str, id: str) -> Conflict:
    return Conflict("already_exists", f"{kind} {id!r} exists already; choose another id")


def taken(kind: str, fields: Iterable[str]) -> Conflict:
    what = " or ".join(fields)
    return Conflict(
        "already_exists", f"another {kind} has this {what} already; choose another {what}"
    )


def stale_version(kind: str, id: str, held: int, stored: int) -> Conflict:
    return Conflict(
        "stale_version",
        f"{kind} {id!r} was changed meanwhile (you hold version {held}, it is at {stored}); "
        "read it again and repeat the command",
        held=held,
        stored=stored,
    )


def changed_meanwhile(kind: str, id: str, stored: int) -> Outdated:
    return Outdated(
        "stale_version",
        f"{kind} {id!r} was changed meanwhile (it is at version {stored}); read it again and "
        "repeat the command with its ETag",
        stored=stored,
    )


def busy() -> Unavailable:
    return Unavailable(
        "busy",
        "another transaction held what this one needs for too long; nothing was changed, repeat "
        "the command",
        retry_after=1,
    )


def unlocked_put(kind: str, id: str) -> Conflict:
    return Conflict(
        "unlocked_put",
        f"{kind} {id!r} is a counter and may only be put under its lock; this is a defect of the "
        "node, please report it",
    )


def illegal_transition(kind: str, id: str, now: str, to: str, allowed: Iterable[str]) -> Conflict:
    ways = ", ".join(sorted(allowed)) or "none, it is final"
    return Conflict(
        "illegal_transition",
        f"{kind} {id} is {now!r} and cannot become {to!r}; from here it can become: {ways}",
        state=now,
        to=to,
    )


def bad_value(field: str, why: str) -> Invalid:
    return Invalid("bad_value", f"{field}: {why}", field=field)


def bad_file(name: str, why: str) -> Invalid:
    return Invalid("bad_file", f"the file {name!r} is not taken: {why}", name=name)


def bad_rows(faults: Sequence[Mapping[str, object]], total: int) -> Invalid:
    first = faults[0]
    return Invalid(
        "bad_rows",
        f"{total} faults, nothing was imported; the first: {first['sheet']} row {first['row']}, "
        f"{first['column'] or 'whole row'}: {first['why']}. Mend all and send the file again",
        faults=list(faults),
        total=total,
    )


# --- people --------------------------------------------------------------------------------


def unauthenticated() -> Unauthenticated:
    return Unauthenticated(
        "unauthenticated", "sign in, or send a bearer token that has not expired"
    )


def bad_credentials() -> Unauthenticated:
    return Unauthenticated("bad_credentials", "the login name or the password is not right")


def forbidden(command: str, roles: Iterable[str]) -> Forbidden:
    return Forbidden(
        "forbidden",
        f"{command} needs one of the roles {', '.join(sorted(roles))} in the organisation "
        "concerned; ask the security administrator",
        command=command,
    )


def own_submission(user_id: str) -> Forbidden:
    return Forbidden(
        "own_submission",
        f"{user_id} submitted this request and cannot sign it; another person must",
    )


def signed_already(user_id: str, step: str) -> Forbidden:
    return Forbidden(
        "signed_already",
        f"{user_id} signed the step {step!r} of this round; another person must sign this one",
    )


def csrf_failed() -> Forbidden:
    return Forbidden(
        "csrf_failed",
        "a command that comes with a session cookie needs the session's own token in the header "
        "X-CSRF-Token; GET /api/v1/me tells it",
    )


def too_many_attempts(seconds: int) -> TooMany:
    return TooMany(
        "too_many_attempts",
        f"there were too many failed attempts to sign in; try again in {seconds} seconds, or ask "
        "the system administrator for a new password",
        retry_after=seconds,
    )


def password_change_due() -> Forbidden:
    return Forbidden(
        "password_change_due",
        "your password was set by somebody else; choose your own with POST /api/v1/me/password "
        "first",
    )


def out_of_scope(what: str) -> Forbidden:
    return Forbidden(
        "out_of_scope",
        f"the scopes of this token do not cover {what}; issue one with that scope",
        needed=what,
    )


def in_person_only(command: str) -> Forbidden:
    return Forbidden(
        "in_person_only", f"{command} is not for a machine's token; sign in with your password"
    )


def bad_scope(scope: str, why: str) -> Invalid:
    return Invalid(
        "bad_scope",
        f"the scope {scope!r} {why}; a scope is 'read', a command you may give, or 'role:' and a "
        "role you hold",
        scope=scope,
    )


def own_account(command: str) -> Forbidden:
    return Forbidden("own_account", f"{command} is not for your own account; somebody else must")


def last_administrator(role: str) -> Conflict:
    return Conflict(
        "last_administrator",
        f"nobody else holds the role {role}, and nobody could give it again; give it to another "
        "person first",
    )


def password_not_own(user_id: str) -> Conflict:
    return Conflict(
        "password_not_own",
        f"{user_id} still has the password that an administrator set; give the role after "
        "they have chosen their own",
    )


def administrators_credentials(user_id: str) -> Conflict:
    return Conflict(
        "administrators_credentials",
        f"{user_id} is a system, security or audit administrator: whoever set their password "
        "could act as them. Set it on the node's machine with `cloudmgr reset-password`",
    )


def unknown_subject() -> Forbidden:
    return Forbidden(
        "unknown_subject",
        "the city's sign-on knows you, this node does not yet; ask the system administrator to "
        "link your account",
    )


def sign_on_failed(why: str) -> Forbidden:
    return Forbidden("sign_on_failed", f"the sign-on was not accepted: {why}; begin it again")


def sign_on_unavailable(why: str) -> Unavailable:
    return Unavailable(
        "sign_on_unavailable",
        f"the city's sign-on does not do its part: {why}; try again later or sign in by password",
        retry_after=30,
    )


def no_sign_on() -> NotFound:
    return NotFound(
        "no_sign_on", "this node has no unified sign-on set up; sign in with login and password"
    )


def same_person(what: str) -> Forbidden:
    return Forbidden("same_person", f"{what} needs two different people")


def separation_of_duties(user_id: str) -> Conflict:
    return Conflict(
        "separation_of_duties",
        f"{user_id} would hold two of the system, security and audit administrator roles; "
        "give the role to another person",
    )


def role_does_not_fit(role: str, organisation_id: str, kind: str, kinds: Iterable[str]) -> Conflict:
    return Conflict(
        "role_does_not_fit",
        f"{role} cannot be held in {organisation_id}, which is of kind {kind}; it is held in: "
        + ", ".join(sorted(kinds)),
    )


# --- catalog, contracts --------------------------------------------------------------------


def not_covered(what: str, contract_id: str) -> Conflict:
    return Conflict(
        "not_covered",
        f"contract {contract_id} does not cover {what}, or is not in force; "
        "use a contract that does",
    )


def contract_total_exceeded(contract_id: str, left: str, asked: str) -> Conflict:
    return Conflict(
        "contract_total_exceeded",
        f"contract {contract_id} has {left} yuan left and {asked} yuan are asked; "
        "amend the contract first",
    )


def contract_ended(contract_id: str, ended: str) -> Conflict:
    return Conflict(
        "contract_ended",
        f"contract {contract_id} ends or ended at {ended} and is not extended after that; "
        "sign a new contract",
    )


def supplement_over_limit(contract_id: str, raised: str, most: str, percent: int) -> Conflict:
    return Conflict(
        "supplement_over_limit",
        f"amendments of contract {contract_id} would add {raised} yuan, more than {percent} % of "
        f"what was signed ({most} yuan); procure a new contract",
        raised=raised,
        most=most,
    )


def bad_change(number: int, why: str) -> Invalid:
    where = f"change {number}" if number else "the uploaded catalog"
    return Invalid("bad_change", f"{where}: {why}", change=number)


def base_overtaken(proposal_id: str, base: str, latest: str) -> Conflict:
    return Conflict(
        "base_overtaken",
        f"{proposal_id} stands on {base}, but {latest} was published since; take it back to draft "
        "and rebase it",
        base=base,
        latest=latest,
    )


def comments_open(proposal_id: str, until: str) -> Conflict:
    return Conflict(
        "comments_open",
        f"comments on {proposal_id} are taken until {until}; sign it after that",
        until=until,
    )


def comments_over(proposal_id: str, until: str) -> Conflict:
    return Conflict(
        "comments_over",
        f"no comments are taken on {proposal_id} now (until: {until}); write to the office",
    )


def quote_in_use(quote_id: str, sku_id: str, pool_id: str, allocations: int) -> Conflict:
    return Conflict(
        "quote_in_use",
        f"{quote_id} prices {allocations} live allocations of {sku_id} in {pool_id} and cannot "
        "end; quote anew, or wait until they are released",
        allocations=allocations,
    )


def ceiling_needed(sku_ids: Iterable[str]) -> Conflict:
    listed = sorted(sku_ids)
    return Conflict(
        "ceiling_needed",
        f"these items are quoted or in use and would have no ceiling: {', '.join(listed[:20])}; "
        "give each one",
        skus=listed,
    )


def cut_over_passed(opening_id: str, day: str) -> Conflict:
    return Conflict(
        "cut_over_passed",
        f"{opening_id} was to go live on {day}, which is over; upload it again with another day",
    )


def sku_retired(sku_id: str) -> Conflict:
    return Conflict("sku_retired", f"{sku_id} is retired; choose another item of the catalog")


def not_midnight(moment: str) -> Invalid:
    return Invalid(
        "not_midnight",
        f"{moment} is not a future midnight of Asia/Shanghai; prices change at midnight only",
    )


def raised_too_soon(sku_id: str, pool_id: str, days: int, earliest: str) -> Conflict:
    return Conflict(
        "raised_too_soon",
        f"the quote raises the price of {sku_id} in {pool_id}; a raise begins with a settlement "
        f"cycle at least {days} days ahead, at {earliest} or at the start of a later cycle",
        earliest=earliest,
    )


# --- quota, capacity, budget ---------------------------------------------------------------


def quota_not_set(resource_class: str, scope: str) -> Conflict:
    return Conflict(
        "quota_not_set",
        f"no limit for {resource_class} is set from {scope} up to the root; "
        "the technical reviewer must set one (or 'unlimited')",
        resource_class=resource_class,
    )


def quota_exceeded(resource_class: str, scope: str, free: int, asked: int) -> Conflict:
    return Conflict(
        "quota_exceeded",
        f"{scope} has {free} {resource_class} of quota left and {asked} are asked; "
        "ask for less, release something, or have the quota raised",
        resource_class=resource_class,
        scope=scope,
        free=free,
        asked=asked,
    )


def limit_above_parent(scope: str, limit: int, parent: str, parent_limit: int) -> Conflict:
    return Conflict(
        "limit_above_parent",
        f"the limit {limit} of {scope} would exceed the {parent_limit} of {parent}; "
        f"raise {parent} or lower {scope} first",
    )


def capacity_exceeded(resource_class: str, pool_id: str, free: int, asked: int) -> Conflict:
    return Conflict(
        "capacity_exceeded",
        f"pool {pool_id} has {free} {resource_class} free and {asked} are asked; "
        "choose another pool or wait for its expansion",
        resource_class=resource_class,
        pool=pool_id,
        free=free,
        asked=asked,
    )


def pool_not_ready(pool_id: str, missing: Iterable[str]) -> Conflict:
    listed = tuple(missing)
    return Conflict(
        "pool_not_ready",
        f"pool {pool_id} cannot be onboarded yet; missing: {'; '.join(listed)}",
        pool=pool_id,
        missing=list(listed),
    )


def pool_not_empty(pool_id: str, there: Iterable[str]) -> Conflict:
    listed = tuple(there)
    return Conflict(
        "pool_not_empty",
        f"pool {pool_id} is not empty: {len(listed)} allocations or reservations are there "
        f"({', '.join(listed[:5])}); relocate or release them first",
        pool=pool_id,
        remaining=len(listed),
    )


def pool_closed(pool_id: str, state: str, what: str) -> Conflict:
    return Conflict(
        "pool_closed",
        f"pool {pool_id} is {state!r}, which forbids {what}; use another pool or have its state "
        "changed first",
        pool=pool_id,
        state=state,
    )


def expansion_limited(pool_id: str, resource_class: str, limit: int, asked: int) -> Conflict:
    return Conflict(
        "expansion_limited",
        f"pool {pool_id} cannot become domestic and may have {limit} {resource_class} at most, "
        f"{asked} are stated; expand a domestic pool instead",
        pool=pool_id,
        resource_class=resource_class,
        limit=limit,
        asked=asked,
    )


def budget_exceeded(budget_id: str, left: str, asked: str, *, advance: bool = False) -> Conflict:
    what = "of its advance left until it is approved" if advance else "left this fiscal year"
    first = "have the year's budget approved" if advance else "add to it (追加)"
    return Conflict(
        "budget_exceeded",
        f"budget {budget_id} has {left} yuan {what} and {asked} yuan are asked; finance can "
        f"{first}, move money to it from another budget (调剂) or carry last year's over (结转)",
        budget=budget_id,
        left=left,
        asked=asked,
    )


def budget_not_set(department_id: str, year: int) -> Conflict:
    return Conflict(
        "budget_not_set",
        f"no budget of {year} covers {department_id}; finance must record one first",
    )


# --- requests ------------------------------------------------------------------------------


def not_admitted(code: str, message: str) -> Conflict:
    """An admission rule of DOMAIN.md 5; each rule brings its own stable code."""
    return Conflict(code, message)


def no_pool(line: int, reasons: str) -> Conflict:
    return Conflict(
        "no_pool", f"no pool can take line {line}: {reasons}; change the need or wait for a pool"
    )


def allocation_busy(allocation_id: str, request_id: str) -> Conflict:
    return Conflict(
        "allocation_busy",
        f"{request_id} was approved and works on {allocation_id} already; wait until it has ended",
        request=request_id,
    )


def not_your_step(step: str, role: str) -> Conflict:
    return Conflict(
        "not_your_step", f"the request waits for {role} to sign {step!r}; it is not your turn"
    )


def waiting_for_quotes(request_id: str, why: str) -> Conflict:
    return Conflict(
        "waiting_for_quotes",
        f"{request_id} waits for quotes ({why}) and its clock stands still; go on with the review "
        "before approving",
    )


def not_a_draft(request_id: str, state: str) -> Conflict:
    return Conflict(
        "not_a_draft",
        f"{request_id} is {state!r} and its text stands; only a draft is edited, a returned "
        "request is corrected by resubmitting it",
        state=state,
    )


def not_delegable(role: str, roles: Iterable[str]) -> Conflict:
    return Conflict(
        "not_delegable",
        f"{role} signs no requests and cannot be delegated; these can: " + ", ".join(sorted(roles)),
    )


def attachment_not_now(request_id: str, state: str) -> Conflict:
    return Conflict(
        "attachment_not_now",
        f"{request_id} is {state!r}: papers come and go while it is a draft or returned, only the "
        "stamped form is attached later",
        state=state,
    )


# --- running resources ---------------------------------------------------------------------


def outside_bounds(allocation_id: str, bounds: str, asked: int) -> Conflict:
    return Conflict(
        "outside_bounds",
        f"{allocation_id} may be scaled inside its approved bounds ({bounds}) and {asked} units "
        "are asked; write a change request for other bounds",
        bounds=bounds,
        asked=asked,
    )


def allocation_leaving(allocation_id: str, until: str) -> Conflict:
    return Conflict(
        "allocation_leaving",
        f"{allocation_id} was relocated and only runs beside its successor until {until}; work on "
        "the successor",
    )


def trial_extended_already(allocation_id: str, extension_id: str) -> Conflict:
    return Conflict(
        "trial_extended_already",
        f"the trial of {allocation_id} was extended by {extension_id}; a trial is extended once, "
        "accept it or release the resource",
    )


def trial_extension_waiting(allocation_id: str, extension_id: str) -> Conflict:
    return Conflict(
        "trial_extension_waiting",
        f"{extension_id} already asks for a longer trial of {allocation_id}; wait for its decision",
    )


def protected_period(what: str, period_id: str, title: str, until: str) -> Conflict:
    return Conflict(
        "protected_period",
        f"{what} is not done in the protected period (重保期) {title} ({period_id}); wait until "
        f"{until}, or have the period cancelled",
        period=period_id,
        until=until,
    )


def temporary_renewed_already(allocation_id: str, renewals: int) -> Conflict:
    return Conflict(
        "temporary_renewed_already",
        f"the temporary resource {allocation_id} was renewed {renewals} times, and policy allows "
        "no more; release it, or ask for a permanent one",
    )


def not_overdue(allocation_id: str, why: str) -> Conflict:
    return Conflict(
        "not_overdue",
        f"{allocation_id} cannot be reclaimed: {why}; only a temporary resource past its term is",
    )


def opened_by_the_city(request_id: str) -> Conflict:
    return Conflict(
        "opened_by_the_city",
        f"{request_id} takes an overdue resource back and was opened by the city's office; it is "
        "not the department's to withdraw",
    )


def release_papers_missing(line: int, missing: Iterable[str]) -> Conflict:
    return Conflict(
        "release_papers_missing",
        f"line {line} is not released before its papers are there; missing: {', '.join(missing)}. "
        "Hand them in with the delivery list",
        line=line,
    )


# --- usage, billing ------------------------------------------------------------------------


def batch_changed(batch_id: str) -> Conflict:
    return Conflict(
        "batch_changed",
        f"batch {batch_id} was received before with other contents; send corrections under a new "
        "batch id",
    )


def bad_batch(where: str, why: str) -> Invalid:
    return Invalid(
        "bad_batch",
        f"the usage batch cannot be read, {where}: {why}; nothing of it was taken",
        where=where,
    )


def lake_damaged(partition: str, why: str) -> CloudmgrError:
    return CloudmgrError(
        "lake_damaged",
        f"the usage lake cannot give back {partition!r}: {why}; restore the file from a backup or "
        "have its pool send the batch again",
        partition=partition,
    )


def grace_running(month: str, until: str) -> Conflict:
    return Conflict(
        "grace_running",
        f"the period {month} takes late usage until {until}; close it after that",
    )


def period_closed(month: str) -> Conflict:
    return Conflict(
        "period_closed", f"the period {month} is closed; corrections go into the open period"
    )


def period_not_closed(month: str) -> Conflict:
    return Conflict(
        "period_not_closed", f"the period {month} is not closed yet; close it first", month=month
    )


def unpriced(month: str, lines: Iterable[str]) -> Conflict:
    listed = tuple(lines)
    return Conflict(
        "unpriced",
        f"{len(listed)} resources of {month} have no price and stop the close: "
        + "; ".join(listed[:20]),
        resources=list(listed),
    )


def unbalanced(posting_set_id: str, difference: str) -> Conflict:
    return Conflict(
        "unbalanced",
        f"posting set {posting_set_id} does not sum to zero (off by {difference}); nothing posted",
    )


# --- assessment, settlement ----------------------------------------------------------------


def bad_scheme(where: str, why: str) -> Invalid:
    return Invalid("bad_scheme", f"{where}: {why}", where=where)


def cycle_not_closed(cycle: str, waiting: Iterable[str]) -> Conflict:
    return Conflict(
        "cycle_not_closed",
        f"the cycle {cycle} cannot be scored before its months are closed; "
        f"close first: {', '.join(waiting)}",
    )


def no_scheme(moment: str) -> Conflict:
    return Conflict(
        "no_scheme",
        f"no assessment scheme is in force at {moment}; the authority must publish one first",
    )


def appeal_over(assessment_id: str, until: str) -> Conflict:
    return Conflict(
        "appeal_over", f"{assessment_id} could be appealed until {until}; the score stands"
    )


def not_completed(request_id: str, state: str) -> Conflict:
    return Conflict(
        "not_completed", f"{request_id} is {state!r}; rate the service once it is completed"
    )


def rated_already(request_id: str, provider_id: str) -> Conflict:
    return Conflict(
        "rated_already",
        f"the service of {provider_id} for {request_id} is rated already; a rating stands",
    )


def not_confirmed(what: str, waiting: Iterable[str]) -> Conflict:
    return Conflict(
        "not_confirmed", f"{what} waits for the confirmation of: {', '.join(sorted(waiting))}"
    )


def assessment_not_final(provider_id: str, cycle: str) -> Conflict:
    return Conflict(
        "assessment_not_final",
        f"the assessment of {provider_id} for {cycle} is not final; settle after publicity and "
        "appeal are over",
        provider=provider_id,
        cycle=cycle,
    )


def invoice_mismatch(invoiced: str, payable: str) -> Conflict:
    return Conflict(
        "invoice_mismatch",
        f"the invoice says {invoiced} yuan, payable are {payable}; ask for a corrected invoice",
    )


# --- organisations and systems -------------------------------------------------------------


def organisation_ended(organisation_id: str, successor_id: str) -> Conflict:
    after = f"; {successor_id} took over from it" if successor_id else ""
    return Conflict(
        "organisation_ended",
        f"{organisation_id} has ended in a reorganisation{after}; act for the one that goes on",
        successor=successor_id,
    )


def reorganisation_overlaps(organisation_id: str, reorganisation_id: str) -> Conflict:
    return Conflict(
        "reorganisation_overlaps",
        f"{organisation_id} ends in {reorganisation_id} already; cancel that one first or leave "
        "it out",
        reorganisation=reorganisation_id,
    )


def still_running(application_id: str, what: Iterable[str]) -> Conflict:
    return Conflict(
        "still_running",
        f"{application_id} still has {', '.join(what)}; release these first",
    )


# --- cities --------------------------------------------------------------------------------


def bad_city(where: str, why: str) -> Invalid:
    return Invalid("bad_city", f"{where}: {why}", where=where)


def unknown_city(name: str, known: Iterable[str]) -> NotFound:
    return NotFound(
        "unknown_city", f"there is no sample city {name!r}; the known ones are {', '.join(known)}"
    )


# --- commands ------------------------------------------------------------------------------


def idempotency_conflict(key: str) -> Conflict:
    return Conflict(
        "idempotency_conflict",
        f"the idempotency key {key!r} was used with another body; use a new key",
    )


def rehearsal_only() -> Conflict:
    return Conflict(
        "rehearsal_only", "this node serves production; only a rehearsal's clock can be moved"
    )


def clock_backwards(now: str, asked: str) -> Conflict:
    return Conflict(
        "clock_backwards", f"the rehearsal's clock stands at {now} and cannot go back to {asked}"
    )


def audit_broken(sequence: int, why: str) -> Conflict:
    return Conflict(
        "audit_broken", f"the audit chain breaks at event {sequence}: {why}", sequence=sequence
    )


# --- outbox, jobs, pools -------------------------------------------------------------------


def lease_lost(kind: str, id: str) -> Conflict:
    return Conflict(
        "lease_lost",
        f"{kind} {id} is held by another worker now, or was cancelled; leave it alone",
    )


def pool_order_under_way(work_order_id: str, keys: Iterable[str]) -> Conflict:
    return Conflict(
        "pool_order_under_way",
        f"{work_order_id} was ordered from the pool by {', '.join(keys)} and is closed by its "
        "answer; wait for it, or let the technical reviewer decide what became of the order",
    )


def pool_order_ended(id: str, state: str) -> Conflict:
    return Conflict("pool_order_ended", f"the order {id} has ended as {state}; nothing is open")


# --- webhooks -------------------------------------------------------------------------------


def bad_webhook_url(why: str) -> Invalid:
    return Invalid("bad_webhook_url", f"no delivery can go to this URL: {why}")


def too_many_webhooks(organisation_id: str, most: int) -> Conflict:
    return Conflict(
        "too_many_webhooks",
        f"{organisation_id} has {most} webhooks, the most there can be; remove one first",
    )


def webhook_not_active(id: str, state: str) -> Conflict:
    return Conflict("webhook_not_active", f"{id} is {state}; nothing is sent to it")
