"""The checks in the order they run, running them, and cleaning up after them.

Owns what builds on what. A check runs only when all it builds on has passed, so that one lie fails
one check; the others say what they wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cloudmgr.domain.pools import ManagementLevel
from cloudmgr.domain.pools_interface import PoolOperation
from cloudmgr.pools.conformance import monitoring, scheduling
from cloudmgr.pools.conformance.probe import CheckBlocked, CheckFailed, Probe
from cloudmgr.pools.conformance.report import Outcome, Report, Result

_MONITORING, _SCHEDULING = ManagementLevel.MONITORING, ManagementLevel.SCHEDULING


@dataclass(frozen=True, slots=True)
class Check:
    """One named question; `needs` are checks that must have passed."""

    id: str
    level: ManagementLevel
    asks: str
    run: Callable[[Probe], None]
    needs: tuple[str, ...] = ()


def _reading(id: str, asks: str, run: Callable[[Probe], None], *needs: str) -> Check:
    return Check(id, _MONITORING, asks, run, needs)


def _ordering(id: str, asks: str, run: Callable[[Probe], None], *needs: str) -> Check:
    return Check(id, _SCHEDULING, asks, run, needs)


TOKEN_CHECK = _reading("token-asked", "who bears no token is turned away", monitoring.token)

CHECKS = (
    _reading("health", "it is there and speaks version 1", monitoring.health),
    TOKEN_CHECK,
    _reading("inventory", "the inventory can be read", monitoring.inventory, "health"),
    _reading("resources", "each resource is listed once", monitoring.resources, "health"),
    _reading("unknown", "an unknown resource is 404 unknown", monitoring.unknown, "health"),
    _reading("pages", "small pages list the same as large ones", monitoring.pages, "resources"),
    _reading(
        "inventory-agrees",
        "allocated in the inventory is the sum of the resources",
        monitoring.inventory_agrees,
        "inventory",
        "resources",
    ),
    _reading("incidents", "incidents and alarms can be read", monitoring.incidents, "health"),
    _reading("usage", "a usage batch is what it was listed as", monitoring.usage, "health"),
    _reading(
        "usage-unchanged",
        "a usage batch never changes under its id",
        monitoring.usage_unchanged,
        "usage",
    ),
    _ordering(
        "order-accepted",
        "an order is answered with 202 and its operation",
        scheduling.order_accepted,
        "resources",
        "unknown",
    ),
    _ordering(
        "key-found",
        "the operation is found by the key of the order",
        scheduling.key_found,
        "order-accepted",
    ),
    _ordering(
        "operation-found",
        "the operation's id leads to the order's own operation",
        scheduling.operation_found,
        "order-accepted",
    ),
    _ordering(
        "order-ends", "an accepted order ends, and ends well", scheduling.order_ends, "key-found"
    ),
    _ordering(
        "resource-exists",
        "a successful order has made its resource",
        scheduling.resource_exists,
        "order-ends",
    ),
    _ordering(
        "reference-kept",
        "the resource carries our reference",
        scheduling.reference_kept,
        "resource-exists",
    ),
    _ordering(
        "size-as-ordered",
        "the resource has the size ordered",
        scheduling.size_as_ordered,
        "resource-exists",
    ),
    _ordering(
        "inventory-follows",
        "the inventory counts the new resource",
        monitoring.inventory_agrees,
        "resource-exists",
        "inventory-agrees",
    ),
    _ordering(
        "key-repeated",
        "the same order under the same key does nothing more",
        scheduling.key_repeated,
        "resource-exists",
    ),
    _ordering(
        "key-reused",
        "another order under a used key is refused with 409 key_reused",
        scheduling.key_reused,
        "order-ends",
    ),
    _ordering(
        "resize-done",
        "a successful resize has given the size ordered",
        scheduling.resize_done,
        "resource-exists",
    ),
    _ordering(
        "unknown-resource-fails",
        "an order for an unknown resource is accepted and fails",
        scheduling.unknown_resource_fails,
        "order-ends",
    ),
    _ordering(
        "release-done",
        "what was released is no longer there",
        scheduling.release_done,
        "resource-exists",
    ),
    _ordering(
        "release-repeated",
        "the same release under the same key does nothing more",
        scheduling.release_repeated,
        "release-done",
    ),
)


def check_pool(
    probe: Probe,
    url: str,
    level: ManagementLevel,
    *,
    with_token: bool,
    tell: Callable[[Result], None] = lambda result: None,
) -> Report:
    """Run every check of `level` (and below), then release what the run made."""
    results: list[Result] = []
    passed: set[str] = set()
    left: tuple[str, ...] = ()
    try:
        for check in _checks(level, with_token=with_token):
            result = _run(check, probe, passed)
            if result.outcome is Outcome.PASSED:
                passed.add(check.id)
            results.append(result)
            tell(result)
    finally:  # whoever interrupts the run leaves nothing in the pool either
        if probe.found.keys:
            left = tuple(_clean_up(probe))
    return Report(url=url, level=level, results=tuple(results), left_behind=left)


def _checks(level: ManagementLevel, *, with_token: bool) -> Iterator[Check]:
    for check in CHECKS:
        if check.level is _SCHEDULING and level is not _SCHEDULING:
            continue
        if check is TOKEN_CHECK and not with_token:
            continue
        yield check


def _run(check: Check, probe: Probe, passed: set[str]) -> Result:
    probe.exchanges = []
    outcome, why = Outcome.PASSED, ""
    missing = [need for need in check.needs if need not in passed]
    if missing:
        outcome, why = Outcome.BLOCKED, f"{', '.join(missing)} did not pass"
    else:
        try:
            check.run(probe)
        except CheckFailed as error:
            outcome, why = Outcome.FAILED, str(error)
        except CheckBlocked as error:
            outcome, why = Outcome.BLOCKED, str(error)
    return Result(
        id=check.id,
        level=check.level,
        asks=check.asks,
        outcome=outcome,
        why=why,
        evidence=tuple(probe.exchanges),
    )


def _clean_up(probe: Probe) -> Iterator[str]:
    """Release all that carries the run's reference or came of its orders; yields what stays."""
    for key in probe.found.keys:
        try:
            answer = probe.send("GET", f"/keys/{key}/operation")
            if answer.status == 404:
                continue
            if not probe.value(PoolOperation, answer, 200).status.final:
                yield f"order {key} is still under way"
        except CheckFailed as error:
            yield f"order {key}: {error}"
    try:
        mine = [each.id for each in probe.resources() if _is_mine(probe, each.id, each.reference)]
    except CheckFailed as error:
        yield f"resources {probe.settings.reference}…: {error}"
        return
    for number, id in enumerate(mine):
        try:
            scheduling.release(probe, id, probe.key(f"clean-up-{number}"))
            if probe.resource(id) is not None:
                yield f"resource {id}: it is still there after its release"
        except CheckFailed as error:
            yield f"resource {id}: {error}"


def _is_mine(probe: Probe, id: str, reference: str) -> bool:
    made = probe.found.resource
    return reference.startswith(probe.settings.reference) or (made is not None and made.id == id)
