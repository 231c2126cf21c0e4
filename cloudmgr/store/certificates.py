"""The table of certificates."""

from __future__ import annotations

from cloudmgr.domain.certificates import Certificate
from cloudmgr.store.mapper import row_of

CertificateRow = row_of(Certificate, index=("subject_id", "provider_id", "department_id"))
