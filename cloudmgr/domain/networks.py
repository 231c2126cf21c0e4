"""Private networks (专网) of departments: integrated into the government extranet, or not yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateNetwork(Value):
    """专网 of a department. `code` is unique in the city; `integrated_on` is the day it became part
    of the government extranet, `integrate_by` the day by which it shall."""

    UNIQUE: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    name_zh: str
    name_en: str
    department_id: str
    purpose: str = ""
    bandwidth_mbps: int | None = None
    classified: bool = False
    integrate_by: date | None = None
    integrated_on: date | None = None
    document_number: str = ""
    in_use_from: date | None = None

    def integrated(self, on: date) -> bool:
        """Whether it was integrated by the end of a day."""
        return self.integrated_on is not None and self.integrated_on <= on

    def there_on(self, on: date) -> bool:
        """Whether there was such a network by then, integrated since or not."""
        return self.in_use_from is None or self.in_use_from <= on


def check_network(network: PrivateNetwork) -> None:
    """Raise `bad_value` for what cannot be said of a network."""
    for field in ("code", "name_zh"):
        if not getattr(network, field).strip():
            raise bad_value(field, "it has at least one character")
    if network.bandwidth_mbps is not None and network.bandwidth_mbps < 1:
        raise bad_value("bandwidth_mbps", "a bandwidth is 1 Mbit/s or more")
