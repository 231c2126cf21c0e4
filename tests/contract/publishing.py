"""One person in a process of its own who publishes a paper when the others do.

python -m tests.contract.publishing URL GO LOGIN PAPER_ID EFFECTIVE_FROM
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path

from catalog.errors import CloudmgrError
from cloudmgr.services.commands import Command
from cloudmgr.services.policies_drafts import PublishPolicy
from cloudmgr.services.proposals import PublishProposal
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.assessments import at
from tests.support.stored_town import StoredTown

PATIENCE_SECONDS = 60


def main(url: str, go: str, login: str, paper_id: str, effective_from: str) -> None:
    """Print `published`, or the code of the refusal."""
    node = SqlNode(url, MemoryLake(), durable=False)
    town = StoredTown(node)
    town.now = at("01-30 09:00")
    command = _command(paper_id, datetime.fromisoformat(effective_from))
    print("ready", flush=True)
    until = time.monotonic() + PATIENCE_SECONDS
    while not Path(go).exists() and time.monotonic() < until:
        time.sleep(0.002)
    try:
        town.give(command, login)
        print("published")
    except CloudmgrError as error:
        print(error.code)
    node.close()


def _command(paper_id: str, begins: datetime) -> Command:
    if paper_id.startswith("PD"):
        return PublishPolicy(draft_id=paper_id, document_number="test", effective_from=begins)
    return PublishProposal(proposal_id=paper_id, document_number="test", effective_from=begins)


if __name__ == "__main__":
    main(*sys.argv[1:])
