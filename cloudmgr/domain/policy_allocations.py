"""The part of the policy that running resources are kept by: longer trials, reminders of terms,
temporary resources, parallel days of relocations, and the papers of a release.

Every figure here is a sample parameter (示例参数) that a city dates and replaces.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRules:
    """Days are calendar days; reminders and notices are so many days before the term's end."""

    trial_extension_days: int = 30
    term_reminder_days: tuple[int, ...] = (60, 30, 7)
    temporary_notice_days: tuple[int, ...] = (5, 2)
    temporary_renewals: int = 1
    temporary_renewal_days: int = 15
    parallel_days_most: int = 15
    release_papers_required: bool = False


SAMPLE_ALLOCATION_RULES = AllocationRules()
