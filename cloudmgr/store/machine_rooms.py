"""The table of machine rooms."""

from __future__ import annotations

from cloudmgr.domain.machine_rooms import MachineRoom
from cloudmgr.store.mapper import row_of

MachineRoomRow = row_of(MachineRoom, index=("department_id",))
