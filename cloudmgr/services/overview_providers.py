"""The part of the overview that is about providers: what they scored and what they are paid.

Reads records and adds up papers; coefficients and amounts are the domain's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from catalog.money import total
from catalog.period import Month
from cloudmgr.domain.assessment import Assessment, AssessmentState
from cloudmgr.domain.coefficients import coefficient
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.settlement import Settlement
from cloudmgr.services.overview_values import AssessmentOverview, Named, SettlementOverview, named
from cloudmgr.services.world import World


def assessments_of(
    world: World, month: Month, organisations: Mapping[str, Organisation]
) -> tuple[AssessmentOverview, ...]:
    """The assessments whose cycle holds the month, by their ids."""
    found = []
    for each in world.stream(Assessment):
        if str(month) not in each.months:
            continue
        judged = None if each.state is AssessmentState.OPEN else coefficient(each.score)
        found.append(
            AssessmentOverview(
                assessment_id=each.id,
                provider=named(organisations[each.provider_id]),
                cycle=each.cycle,
                state=each.state,
                score=each.score,
                vetoed=each.vetoed,
                dimensions=each.dimensions,
                coefficient=judged.value if judged else None,
                working=judged.working if judged else "",
            )
        )
    return tuple(found)


def settlements_of(
    world: World, month: Month, organisations: Mapping[str, Organisation]
) -> tuple[SettlementOverview, ...]:
    """The settlements whose cycle holds the month, one sum per provider."""
    papers: dict[str, list[Settlement]] = {}
    for each in world.stream(Settlement):
        if str(month) in each.months:
            papers.setdefault(each.provider_id, []).append(each)
    return tuple(
        _settlement(named(organisations[provider_id]), papers[provider_id])
        for provider_id in sorted(papers)
    )


def _settlement(provider: Named, papers: list[Settlement]) -> SettlementOverview:
    """A provider's papers added up; of a paper and its true-ups the last one says the whole."""
    last: dict[tuple[str, str, str, str], Settlement] = {}
    for each in sorted(papers, key=lambda paper: paper.sequence):
        last[each.payer_id, each.payee_id, each.contract_id, each.cycle] = each
    whole = list(last.values())
    decided = {(each.coefficient, each.working) for each in whole}
    one, working = next(iter(decided)) if len(decided) == 1 else (None, "")
    gross = total(each.gross for each in whole)
    deductions = [each.deduction for each in whole if each.deduction is not None]
    known = len(deductions) == len(whole)
    states = Counter(each.state for each in papers)
    return SettlementOverview(
        provider=provider,
        papers=len(papers),
        gross=gross,
        service_credits=total(each.service_credits for each in whole),
        coefficient=one,
        working=working,
        deduction=total(deductions) if known else None,
        payable=total(each.payable_total for each in whole) if known else None,
        paid=total(each.paid for each in papers),
        states={state: states[state] for state in sorted(states)},
    )
