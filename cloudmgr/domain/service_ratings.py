"""What departments say of a delivery (满意度评价): 1 to 5 stars per request and provider.

Owns the shape of a rating; who may give it, and when, is the services'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.values import Value

LEAST_STARS, MOST_STARS = 1, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRating(Value):
    """评价 of one provider's part in one completed request; given once, never changed."""

    request_id: str
    department_id: str
    provider_id: str
    stars: int
    comment: str
    user_id: str
    at: datetime

    def __post_init__(self) -> None:
        if not LEAST_STARS <= self.stars <= MOST_STARS:
            raise bad_value("stars", f"{self.stars} does not lie in {LEAST_STARS}..{MOST_STARS}")


def service_rating_id(request_id: str, provider_id: str) -> str:
    return f"{request_id}/{provider_id}"
