"""The tables of dated policies and of the drafts they come from."""

from __future__ import annotations

from cloudmgr.domain.policy import Policy
from cloudmgr.domain.policy_drafts import PolicyDraft
from cloudmgr.store.mapper import row_of

PolicyRow = row_of(Policy)
PolicyDraftRow = row_of(PolicyDraft, index=("state",))
