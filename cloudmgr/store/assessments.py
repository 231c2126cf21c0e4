"""Tables of assessments of providers and of the schemes they are scored by."""

from __future__ import annotations

from cloudmgr.domain.assessment import Assessment
from cloudmgr.domain.assessment_scores import AssessmentScheme
from cloudmgr.store.mapper import row_of

AssessmentSchemeRow = row_of(AssessmentScheme)
AssessmentRow = row_of(Assessment, index=("provider_id", "state", "cycle"))
