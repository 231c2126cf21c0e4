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
    Unauthenticated,
)

__all__ = [
    "CloudmgrError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Unauthenticated",
]


# --- records -------------------------------------------------------------------------------


def not_found(kind: str, id: str) -> NotFound:
    return NotFound("not_found", f"there is no {kind} {id!r}, or it is not yours to see")


def already_exists(kind: str, id: str) -> Conflict:
    return Conflict("already_exists", f"{kind} {id!r} exists already; choose another id")


def stale_version(kind: str, id: str, held: int, stored: int) -> Conflict:
    return Conflict(
        "stale_version",
        f"{kind} {id!r} was changed meanwhile (you hold version {held}, it is at {stored}); "
        "read it again and repeat the command",
        held=held,
        stored=stored,
    )


def busy() -> Conflict:
    return Conflict(
        "busy",
        "another transaction held what this one needs for too long; nothing was changed, repeat "
        "the command",
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


def budget_exceeded(budget_id: str, left: str, asked: str) -> Conflict:
    return Conflict(
        "budget_exceeded",
        f"budget {budget_id} has {left} yuan left this fiscal year and {asked} yuan are asked; "
        "finance must record a budget change first",
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
