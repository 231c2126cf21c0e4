"""The table of departments' ratings of deliveries."""

from __future__ import annotations

from cloudmgr.domain.service_ratings import ServiceRating
from cloudmgr.store.mapper import row_of

ServiceRatingRow = row_of(ServiceRating, index=("request_id", "provider_id", "department_id"))
