"""One process of a crowd of approvers: signs requests at a node until every one is answered.

`python -m tests.crowd.client URL`. Says `ready`, reads one line of JSON
`[{"request_id": …, "token": …}]`, signs all of them at once, a thread each, and writes a line of
JSON for each answer. Repeats with the same Idempotency-Key whatever got no answer or `busy`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import httpx

PAUSE_SECONDS = 0.1
GIVE_UP_SECONDS = 240.0


@dataclass
class Answer:
    """What a signature came to: `approved`, or the code of a refusal; how often it was asked."""

    request_id: str
    answer: str = ""
    asked: int = 0
    unanswered: int = 0
    busy: int = 0


def sign(url: str, request_id: str, token: str) -> Answer:
    """Sign one request, asking again until the node has said yes or no."""
    told = Answer(request_id)
    path = f"{url}/api/v1/requests/{request_id}/signatures"
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"sign-{request_id}"}
    until = time.monotonic() + GIVE_UP_SECONDS
    with httpx.Client(timeout=60.0) as http:
        while time.monotonic() < until:
            told.asked += 1
            try:
                response = http.post(path, json={"decision": "approve"}, headers=headers)
            except httpx.TransportError:
                told.unanswered += 1
            else:
                body = response.json()
                told.answer = body["state"] if response.is_success else body["code"]
                if told.answer != "busy":
                    return told
                told.busy += 1
            time.sleep(PAUSE_SECONDS)
    told.answer = "gave_up"
    return told


def main(url: str) -> None:
    print("ready", flush=True)
    tasks = json.loads(sys.stdin.readline())
    speaking = threading.Lock()

    def do(task: dict[str, str]) -> None:
        told = sign(url, task["request_id"], task["token"])
        with speaking:
            print(json.dumps(asdict(told)), flush=True)

    with ThreadPoolExecutor(len(tasks)) as threads:
        list(threads.map(do, tasks))


if __name__ == "__main__":
    main(sys.argv[1])
