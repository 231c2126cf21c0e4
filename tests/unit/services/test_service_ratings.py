"""Rating a service: by the department, once, when it is completed, for who delivered it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.requests import RequestState
from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.services.service_ratings import RateService
from tests.support.assessments import an_order, at
from tests.support.judged import CLERK, PROVIDER, Judged, a_request, judged


@pytest.fixture
def node() -> Judged:
    node = judged()
    node.walk(a_request(id="REQ-1"), an_order(id="WO-1", request_id="REQ-1", done="01-09 10:00"))
    return node


def rate(stars: int = 4, *, provider_id: str | None = None) -> RateService:
    return RateService(request_id="REQ-1", stars=stars, comment="fine", provider_id=provider_id)


def code(node: Judged, command: RateService, actor: Actor = CLERK) -> str:
    with pytest.raises(CloudmgrError) as refused:
        node.do(command, actor, at("01-20 10:00"))
    return refused.value.code


def test_a_department_rates_who_delivered_its_request(node: Judged) -> None:
    found = node.do(rate(4), CLERK, at("01-20 10:00"))
    assert (found.provider_id, found.stars, found.user_id) == ("prv", 4, "clerk")
    assert node.look(ServiceRating, "REQ-1/prv") == found


def test_a_rating_is_given_once(node: Judged) -> None:
    node.do(rate(1), CLERK, at("01-20 10:00"))
    assert code(node, rate(5)) == "rated_already"


def test_stars_are_one_to_five(node: Judged) -> None:
    assert code(node, rate(0)) == "bad_value"
    assert code(node, rate(6)) == "bad_value"


def test_only_completed_requests_are_rated(node: Judged) -> None:
    node.keep(a_request(id="REQ-2", state=RequestState.DRAFT))
    assert code(node, RateService(request_id="REQ-2", stars=5)) == "not_completed"


def test_foreign_requests_are_not_there_and_providers_do_not_rate(node: Judged) -> None:
    stranger = Actor("stranger", (Grant(Role.DEPARTMENT_USER, "dep-2"),))
    assert code(node, rate(), stranger) == "not_found"
    assert code(node, rate(), PROVIDER) == "forbidden"


def test_where_several_delivered_one_is_named_and_each_is_rated_once(node: Judged) -> None:
    node.walk(
        replace(an_order(id="WO-2", request_id="REQ-1", done="01-09 10:00"), provider_id="other"),
    )
    assert code(node, rate()) == "bad_value"
    assert code(node, rate(provider_id="nobody")) == "bad_value"
    node.do(rate(5, provider_id="prv"), CLERK, at("01-20 10:00"))
    node.do(rate(2, provider_id="other"), CLERK, at("01-20 10:00"))
    assert code(node, rate(3, provider_id="other")) == "rated_already"
