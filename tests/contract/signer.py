"""One person of two who do something to a request at the same instant, in a process of their own.

`python -m tests.contract.signer URL DOES REQUEST LOGIN` says `ready`, waits for a line, and then
says the state it led to or the code it was refused with.
"""

from __future__ import annotations

import sys

from catalog.errors import CloudmgrError
from cloudmgr.domain.approvals import Decision
from cloudmgr.services.approvals import SignRequest
from cloudmgr.services.commands import Command, perform
from cloudmgr.services.requests import SubmitRequest, WithdrawRequest
from cloudmgr.services.sessions import actor_of
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.worlds import MONDAY


def command(does: str, request_id: str) -> Command:
    if does == "withdraw":
        return WithdrawRequest(request_id=request_id, reason="no need")
    if does == "submit":
        return SubmitRequest(request_id=request_id)
    return SignRequest(request_id=request_id, decision=Decision(does), opinion="a reason")


def main(url: str, does: str, request_id: str, login: str) -> None:
    node = SqlNode(url, MemoryLake(), durable=False)
    with node.reading() as world:  # whatever is slow the first time is done before the start
        actor = actor_of(world, login)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with node.transaction() as world:
            said = perform(world, command(does, request_id), actor, MONDAY).state
    except CloudmgrError as error:
        said = error.code
    print(said, flush=True)
    node.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
