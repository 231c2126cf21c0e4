"""Release papers (退出手续): what must be shown before something that ran is gone.

Owns the three papers of a release and the record kept of them. Whether they are asked for is
policy; the certificate itself is a stored file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from catalog.period import DAY, local_day, midnight
from cloudmgr.domain.errors import bad_value, release_papers_missing
from cloudmgr.domain.values import Value

LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePapers:
    """What the provider hands in for one line of a release: to whom the data went and when
    (数据移交), the erasure certificate (数据清除证明) as a file, and the last day it bills."""

    data_handed_to: str
    data_handed_on: date
    erasure_file_id: str
    billing_ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord(Value):
    """退出记录 of one allocation; `id` is `<request>/<line>`. `billing_end` is the instant billing
    stopped, empty until the department has accepted the release."""

    request_id: str
    line: int
    allocation_id: str
    department_id: str
    application_id: str
    pool_id: str
    provider_id: str
    data_handed_to: str
    data_handed_on: date
    erasure_file_id: str
    erasure_file_name: str
    erasure_sha256: str
    billing_ends_on: date
    handed_in_by: str
    handed_in_at: datetime
    billing_end: datetime | None = None
    completed_at: datetime | None = None


def release_record_id(request_id: str, line: int) -> str:
    return f"{request_id}/{line}"


def check_papers(
    papers: ReleasePapers | None, line: int, *, asked_at: datetime, now: datetime
) -> ReleasePapers:
    """Raise `release_papers_missing` for a line without all three, `bad_value` for data that are
    still to be handed over, or a billing end before the approval. A date later than the rule of
    `billing_end` is no fault: the earlier one counts."""
    missing = []
    if papers is None or not papers.data_handed_to.strip():
        missing.append("data handed over (数据移交)")
    if papers is None or not papers.erasure_file_id:
        missing.append("erasure certificate (数据清除证明)")
    if papers is None:
        missing.append("billing end date")
    if papers is None or missing:
        raise release_papers_missing(line, missing)
    field = f"deliveries[{line}].papers"
    if len(papers.data_handed_to) > LONGEST_TEXT:
        raise bad_value(f"{field}.data_handed_to", f"at most {LONGEST_TEXT} characters")
    if papers.data_handed_on > local_day(now):
        raise bad_value(f"{field}.data_handed_on", "data are handed over before they are erased")
    if papers.billing_ends_on < local_day(asked_at):
        raise bad_value(
            f"{field}.billing_ends_on", f"the release was only approved on {local_day(asked_at)}"
        )
    return papers


def billing_end(
    completed_at: datetime, clock_end: datetime, papers_end_on: date | None
) -> datetime:
    """Billing stops at the earlier of completion and approval + the provisioning clock, and no
    later than the provider's last billed day."""
    ends = [completed_at, clock_end]
    if papers_end_on is not None:
        ends.append(midnight(papers_end_on + DAY))
    return min(ends)
