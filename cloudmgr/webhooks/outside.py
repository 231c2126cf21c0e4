"""What a worker reaches outside its node: resource pools, and the receivers of webhooks."""

from __future__ import annotations

from pathlib import Path

from cloudmgr.pools.outside import Limits, Pools
from cloudmgr.webhooks.sender import Posting


class Outside(Pools):
    """The pools as their jobs know them, with `posting` beside for deliveries."""

    def __init__(self, secrets: Path, limits: Limits, posting: Posting) -> None:
        super().__init__(secrets, limits)
        self.posting = posting
