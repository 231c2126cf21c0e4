"""The life of an assessment: versions that stay visible, publicity, appeal, the end."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month
from cloudmgr.domain.assessment import (
    Adjustment,
    Assessment,
    AssessmentState,
    adjusted,
    appeal,
    cycle_months,
    finalise,
    opened,
    publish,
    resolve,
    score,
    scored,
)
from cloudmgr.domain.ratios import ratio
from cloudmgr.services import codec
from tests.support.assessments import JANUARY, a_definition, a_scheme, at, value_of

SCHEME = a_scheme(a_definition(id="satisfaction"), a_definition(id="provisioning_on_time"))
FIRST = score(SCHEME, [value_of("satisfaction", "0.7"), value_of("provisioning_on_time", "0.9")])


def a_score(*, published: bool = False) -> Assessment:
    assessment = scored(
        opened("prv", (JANUARY,)), SCHEME.id, FIRST, at=at("02-05 09:00"), user_id="officer"
    )
    if not published:
        return assessment
    return publish(assessment, at=at("02-06 09:00"), appeal_until=at("02-28 00:00"))


def test_an_assessment_is_named_by_its_cycle_and_provider() -> None:
    found = opened("prv", (JANUARY, JANUARY.plus(1)))
    assert (found.id, found.months) == ("ASM-2026-01-prv", ("2026-01", "2026-02"))


def test_cycles_are_counted_from_january() -> None:
    assert cycle_months("2026-04", 3) == (Month(2026, 4), Month(2026, 5), Month(2026, 6))
    assert cycle_months("2026-05", 1) == (Month(2026, 5),)
    with pytest.raises(CloudmgrError, match="no cycle of 3 months begins with 2026-05"):
        cycle_months("2026-05", 3)


def test_scoring_again_before_publication_keeps_the_first_version() -> None:
    better = score(SCHEME, [value_of("satisfaction", "1"), value_of("provisioning_on_time", "1")])
    again = scored(a_score(), SCHEME.id, better, at=at("02-06 09:00"), user_id="chief")
    assert again.score == Decimal("100.00")
    assert [(v.number, v.score, v.user_id) for v in again.history] == [
        (1, Decimal("80.00"), "officer"),
        (2, Decimal("100.00"), "chief"),
    ]


def test_a_published_score_is_not_scored_again() -> None:
    with pytest.raises(CloudmgrError) as refused:
        scored(a_score(published=True), SCHEME.id, FIRST, at=at("02-07 09:00"), user_id="officer")
    assert refused.value.code == "illegal_transition"


def test_an_appeal_needs_a_reason_and_comes_in_time() -> None:
    published = a_score(published=True)
    with pytest.raises(CloudmgrError, match="say which points are wrong"):
        appeal(published, " ", at=at("02-10 09:00"))
    with pytest.raises(CloudmgrError) as late:
        appeal(published, "the ratings are not ours", at=at("02-28 00:00"))
    assert late.value.code == "appeal_over"
    appealed = appeal(published, "the ratings are not ours", at=at("02-27 23:59"))
    assert appealed.state is AssessmentState.APPEALED


def test_what_was_not_published_cannot_be_appealed() -> None:
    with pytest.raises(CloudmgrError) as refused:
        appeal(a_score(), "too low", at=at("02-10 09:00"))
    assert refused.value.code == "illegal_transition"


def test_an_appeal_that_is_granted_makes_a_new_version_beside_the_old() -> None:
    appealed = appeal(a_score(published=True), "two ratings are not ours", at=at("02-10 09:00"))
    set_right = Adjustment(indicator_id="satisfaction", value=ratio("0.95"), reason="two removed")
    card = adjusted(appealed, SCHEME, (set_right,))
    final = resolve(appealed, card, "granted in part", at=at("02-12 09:00"), user_id="chief")
    assert (final.state, final.score) == (AssessmentState.FINAL, Decimal("92.50"))
    assert [version.score for version in final.history] == [Decimal("80.00"), Decimal("92.50")]
    changed = final.items[0].measured
    assert (changed.manual, changed.evidence) == (True, "set on appeal: two removed")
    assert final.items[1] == appealed.items[1]


def test_an_appeal_that_is_refused_leaves_the_score() -> None:
    appealed = appeal(a_score(published=True), "too low", at=at("02-10 09:00"))
    final = resolve(appealed, None, "the ratings are right", at=at("02-12 09:00"), user_id="chief")
    assert (final.score, len(final.history)) == (Decimal("80.00"), 1)
    assert final.resolution == "the ratings are right"


@pytest.mark.parametrize(
    ("adjustments", "why"),
    [
        ((Adjustment(indicator_id="mood", value=ratio(1), reason="why"),), "has no indicator"),
        ((Adjustment(indicator_id="satisfaction", value=ratio(1), reason=""),), "needs a reason"),
        (
            (Adjustment(indicator_id="satisfaction", value=ratio(1), reason="why"),) * 2,
            "adjusted twice",
        ),
    ],
)
def test_adjustments_without_sense_are_refused(
    adjustments: tuple[Adjustment, ...], why: str
) -> None:
    with pytest.raises(CloudmgrError, match=why):
        adjusted(a_score(), SCHEME, adjustments)


def test_unopposed_it_becomes_final_and_an_open_appeal_does_not() -> None:
    assert finalise(a_score(published=True), at=at("02-28 00:00")).final_at == at("02-28 00:00")
    final = finalise(a_score(published=True), at=at("02-28 00:00"))
    with pytest.raises(CloudmgrError, match="it is final"):
        appeal(final, "too late", at=at("03-01 09:00"))


def test_an_assessment_survives_json_with_its_history() -> None:
    assessment = a_score(published=True)
    assert codec.load(Assessment, codec.dump(assessment)) == assessment
