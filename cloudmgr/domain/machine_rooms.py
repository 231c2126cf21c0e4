"""Machine rooms (机房) of departments: what stands there, what it costs, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from catalog.money import Yuan
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.values import Value


class Disposition(StrEnum):
    """What is decided for a room: 关停, 云化纳管, 保留."""

    UNDECIDED = "undecided"
    CLOSE = "close"
    CLOUDIFY = "cloudify"
    KEEP = "keep"

    @property
    def label_zh(self) -> str:
        return {"undecided": "未定", "close": "关停", "cloudify": "云化纳管", "keep": "保留"}[
            self.value
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRoom(Value):
    """机房 of a department. `code` is unique in the city.

    `pue_hundredths` 185 is a PUE of 1.85. `baseline_cost` is what it cost a year before anything
    moved, `running_cost` what it costs a year now; None is "not set". `disposed_on` is the day
    the disposition was carried out, `dispose_by` the day by which it shall be.
    """

    UNIQUE: ClassVar[tuple[str, ...]] = ("code",)

    code: str
    name_zh: str
    name_en: str
    department_id: str
    address: str = ""
    racks: int = 0
    racks_used: int = 0
    pue_hundredths: int | None = None
    classified: bool = False
    baseline_cost: Yuan | None = None
    running_cost: Yuan | None = None
    disposition: Disposition = Disposition.UNDECIDED
    dispose_by: date | None = None
    disposed_on: date | None = None
    disposal_document: str = ""
    in_use_from: date | None = None

    def gone_on(self, on: date) -> bool:
        """Whether it was closed or taken into the cloud by the end of a day."""
        gone = self.disposition in (Disposition.CLOSE, Disposition.CLOUDIFY)
        return gone and self.disposed_on is not None and self.disposed_on <= on

    def there_on(self, on: date) -> bool:
        """Whether there was such a room by then, gone since or not."""
        return self.in_use_from is None or self.in_use_from <= on


def check_room(room: MachineRoom) -> None:
    """Raise `bad_value` for what cannot be said of a room."""
    for field in ("code", "name_zh"):
        if not getattr(room, field).strip():
            raise bad_value(field, "it has at least one character")
    if not 0 <= room.racks_used <= room.racks:
        raise bad_value("racks_used", "racks in use are 0 to all of them")
    if room.pue_hundredths is not None and not 100 <= room.pue_hundredths <= 500:
        raise bad_value("pue_hundredths", "a PUE is 1.00 to 5.00")
    for field in ("baseline_cost", "running_cost"):
        cost = getattr(room, field)
        if cost is not None and cost < 0:
            raise bad_value(field, "a cost is 0 or more")
    if room.disposed_on is not None and room.disposition is Disposition.UNDECIDED:
        raise bad_value("disposition", "say what was carried out: close, cloudify or keep")
