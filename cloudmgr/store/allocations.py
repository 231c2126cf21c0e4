"""Tables of what requests hold and of what runs."""

from __future__ import annotations

from cloudmgr.domain.allocations import Allocation, Reservation
from cloudmgr.domain.allocations_papers import ReleaseRecord
from cloudmgr.domain.allocations_trials import TrialExtension
from cloudmgr.store.mapper import row_of

ReservationRow = row_of(Reservation, index=("request_id", ("state", "pool_id")))
AllocationRow = row_of(
    Allocation,
    index=(
        "state",
        "department_id",
        "application_id",
        "pool_id",
        "provider_id",
        "contract_id",
        "request_id",
        ("temporary", "term_end"),
    ),
)
TrialExtensionRow = row_of(
    TrialExtension, index=("allocation_id", "department_id", "provider_id", "state")
)
ReleaseRecordRow = row_of(
    ReleaseRecord, index=("request_id", "allocation_id", "department_id", "provider_id")
)
