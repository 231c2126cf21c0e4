"""Tables of declared replicas and of agreements with partner cities."""

from __future__ import annotations

from cloudmgr.domain.continuity import BackupAgreement, Replica
from cloudmgr.store.mapper import row_of

ReplicaRow = row_of(
    Replica, index=("application_id", "department_id", "allocation_id", "primary_id")
)
BackupAgreementRow = row_of(BackupAgreement, index=("site_id",))
