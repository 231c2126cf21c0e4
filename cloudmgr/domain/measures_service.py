"""Indicators read from work orders, incidents and ratings: was it done, answered, liked in time.

Each function is `(definition, records) -> Measured`; nothing to judge gives "not set".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from catalog.standards import ServiceStandard
from cloudmgr.domain.errors import bad_scheme
from cloudmgr.domain.incidents import Incident, Severity
from cloudmgr.domain.indicators import IndicatorDefinition, Measured, measured
from cloudmgr.domain.measures_records import ProviderRecords
from cloudmgr.domain.workdays import add_working_minutes
from cloudmgr.domain.workorders import WorkOrder, WorkOrderAction, WorkOrderState

_NAMED_AT_MOST = 5


def migrations_on_time(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Share of the migration orders due in the cycle that were done by their due date."""
    migrations = [o for o in records.work_orders if o.request_id in records.migration_request_ids]
    return _done_in_time(definition, records, migrations, "migration orders")


def provisioning_on_time(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Share of all other orders due in the cycle that were done by their due date."""
    others = [o for o in records.work_orders if o.request_id not in records.migration_request_ids]
    return _done_in_time(definition, records, others, "work orders")


def work_order_acceptance_time(
    definition: IndicatorDefinition, records: ProviderRecords
) -> Measured:
    """Share of orders accepted (or refused) within `limit_minutes` of desk time after opening.

    An order is judged in the cycle in which that time ended.
    """
    limit = _limit(definition)
    judged, good, missed = 0, 0, []
    for order in records.work_orders:
        deadline = add_working_minutes(order.opened_at, limit)
        if not records.in_cycle(deadline):
            continue
        judged += 1
        answered = order.accepted_at or order.done_at
        if answered is not None and answered <= deadline:
            good += 1
        else:
            missed.append(order.id)
    evidence = f"{good} of {judged} work orders answered within {limit} working minutes"
    return measured(definition, good, judged, evidence + _named("late", missed))


def first_time_acceptance(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Share of the requests delivered in the cycle that were never sent back to this provider."""
    delivered = sorted(
        {
            order.request_id
            for order in records.work_orders
            if order.action is not WorkOrderAction.REWORK
            and order.state is WorkOrderState.DONE
            and records.in_cycle(order.done_at)
        }
    )
    reworked = {
        order.request_id for order in records.work_orders if order.action is WorkOrderAction.REWORK
    }
    sent_back = [request_id for request_id in delivered if request_id in reworked]
    good = len(delivered) - len(sent_back)
    evidence = f"{good} of {len(delivered)} deliveries accepted at once"
    return measured(definition, good, len(delivered), evidence + _named("sent back", sent_back))


def incident_acknowledgement(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Share of the cycle's incidents acknowledged within the shortest promised response time.

    The promise is the strictest of the affected Skus' standards, `limit_minutes` where none is
    affected.
    """
    limits = [
        (incident, incident.acknowledged_at, _promise(definition, records, incident, "response"))
        for incident in _began(records)
    ]
    return _within_promise(definition, limits, "acknowledged")


def incident_restoration(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Share of the cycle's incidents restored within the shortest promised restoration time."""
    limits = [
        (incident, incident.restored_at, _promise(definition, records, incident, "restore"))
        for incident in _began(records)
    ]
    return _within_promise(definition, limits, "restored")


def critical_incidents(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """How many critical incidents began in the cycle; 0 is a value where something ran."""
    critical = [i.id for i in _began(records) if i.severity is Severity.CRITICAL]
    ran = any(
        allocation.life is not None and allocation.life.overlap(records.period)
        for allocation in records.allocations
    )
    evidence = f"{len(critical)} critical incidents" + _named("namely", critical)
    return measured(definition, len(critical), 1 if ran or critical else 0, evidence)


def satisfaction(definition: IndicatorDefinition, records: ProviderRecords) -> Measured:
    """Mean stars of the ratings given in the cycle."""
    stars = [rating.stars for rating in records.ratings if records.in_cycle(rating.at)]
    evidence = f"{sum(stars)} stars in {len(stars)} ratings"
    return measured(definition, sum(stars), len(stars), evidence)


def _done_in_time(
    definition: IndicatorDefinition,
    records: ProviderRecords,
    orders: Iterable[WorkOrder],
    what: str,
) -> Measured:
    """A refused order counts as not done: what the provider cannot deliver it must not offer."""
    due = [order for order in orders if records.in_cycle(order.due_at)]
    late = [order.id for order in due if not _done_by_due(order)]
    good = len(due) - len(late)
    evidence = f"{good} of {len(due)} {what} done by their due date"
    return measured(definition, good, len(due), evidence + _named("late or refused", late))


def _done_by_due(order: WorkOrder) -> bool:
    if order.state is not WorkOrderState.DONE or order.done_at is None:
        return False
    return order.done_at <= order.due_at


def _began(records: ProviderRecords) -> list[Incident]:
    return [incident for incident in records.incidents if records.in_cycle(incident.opened_at)]


def _promise(
    definition: IndicatorDefinition, records: ProviderRecords, incident: Incident, what: str
) -> int:
    """The shortest promise among the affected allocations' standards, in minutes."""
    terms = records.terms_by_sku()
    standards: list[ServiceStandard] = [
        terms[allocation.sku_id].standard
        for allocation in records.allocations
        if allocation.id in incident.allocation_ids
    ]
    if not standards:
        return _limit(definition)
    if what == "response":
        return min(standard.response_minutes for standard in standards)
    return min(standard.restore_minutes for standard in standards)


def _within_promise(
    definition: IndicatorDefinition,
    limits: Sequence[tuple[Incident, datetime | None, int]],
    what: str,
) -> Measured:
    late = [
        incident.id
        for incident, at, minutes in limits
        if at is None or at > incident.opened_at + timedelta(minutes=minutes)
    ]
    good = len(limits) - len(late)
    evidence = f"{good} of {len(limits)} incidents {what} within the promised minutes"
    return measured(definition, good, len(limits), evidence + _named("late", late))


def _limit(definition: IndicatorDefinition) -> int:
    if definition.limit_minutes is None:
        raise bad_scheme(f"indicator {definition.id}, field limit_minutes", "it is needed here")
    return definition.limit_minutes


def _named(what: str, ids: Sequence[str]) -> str:
    """The first few ids in brackets, and how many more there are."""
    if not ids:
        return ""
    more = f" and {len(ids) - _NAMED_AT_MOST} more" if len(ids) > _NAMED_AT_MOST else ""
    return f" ({what}: {', '.join(ids[:_NAMED_AT_MOST])}{more})"
