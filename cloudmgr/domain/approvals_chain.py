"""Whether a chain can work: checked when a policy is read, so that no request gets stuck in it.

Owns what a chain must have; which of its steps a request passes is `approvals`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudmgr.domain.access import Role
from cloudmgr.domain.approvals import SIGNING, ChainStep, Condition, Post, Where
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.requests import RequestState

_ORDER = (
    RequestState.UNIT_SIGNING,
    RequestState.FIRST_REVIEW,
    RequestState.SUBMITTED,
    RequestState.IN_REVIEW,
)
"""The states in which signatures are given, in the order a request goes through them."""

_ALWAYS = (RequestState.UNIT_SIGNING, RequestState.SUBMITTED, RequestState.IN_REVIEW)
"""Every request is in these, so each needs a step without conditions; the one in review is also
what ratifies an emergency."""

_PLACES = {
    Role.DEPARTMENT_LEAD: (Where.DEPARTMENT,),
    Role.COUNTY_REVIEWER: (Where.REGION,),
}
_OFFICES = (Where.REGION, Where.CITY)


def check_chain(chain: Sequence[ChainStep]) -> None:
    """Raise `bad_value` naming the step that cannot be signed, or what the chain lacks."""
    known: set[str] = set()
    for step in chain:
        if not step.id or step.id in known:
            raise _bad(step, "every step has an id of its own")
        known.add(step.id)
        _check_step(step)
    places = [_ORDER.index(step.state) for step in chain]
    if places != sorted(places):
        raise bad_value("chain", f"steps stand in the order of their states: {', '.join(_ORDER)}")
    always = {step.state for step in chain if step.condition == Condition()}
    for state in _ALWAYS:
        if state not in always:
            raise bad_value("chain", _lacking(state))


def _lacking(state: RequestState) -> str:
    if state is RequestState.IN_REVIEW:
        return f"no step in {state} applies to every request: nothing would ratify an emergency"
    return f"no step in {state} applies to every request; add one without conditions"


def _check_step(step: ChainStep) -> None:
    if step.state not in _ORDER:
        raise _bad(step, f"nobody signs in {step.state}; use one of {', '.join(_ORDER)}")
    if step.limit_workdays < 1:
        raise _bad(step, "a signer has at least one working day")
    _check_post(step, Post(role=step.role, where=step.where))
    if step.steps_in is not None:
        _check_post(step, step.steps_in)
        if (step.steps_in.role, step.steps_in.where) == (step.role, step.where):
            raise _bad(step, "whoever steps in when it is overdue must be somebody else")
    condition = step.condition
    if condition.min_monthly_price is not None and condition.min_monthly_price < 0:
        raise _bad(step, "a monthly price is 0 or more")
    if condition.min_quota_percent is not None and condition.min_quota_percent < 1:
        raise _bad(step, "a use of the quota is 1 percent or more")


def _check_post(step: ChainStep, post: Post) -> None:
    if post.role not in SIGNING:
        raise _bad(step, f"{post.role} signs no requests; use one of {', '.join(SIGNING)}")
    if post.where not in _PLACES.get(post.role, _OFFICES):
        raise _bad(step, f"{post.role} is not held in {post.where!s}")


def _bad(step: ChainStep, why: str) -> Exception:
    return bad_value("chain", f"step {step.id!r}: {why}")
