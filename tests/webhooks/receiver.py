"""A receiver as a process that notes what it gets and then misbehaves: run with a port and a file.

Every delivery's first attempt ends badly, in a way that its number decides: refused, answered too
late, cut off, or held until the file `go` exists. What arrived is noted before anything else, as a
line of JSON; a second process goes on with the same notes.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PORT, NOTES = int(sys.argv[1]), Path(sys.argv[2])
GO = NOTES.with_suffix(".go")
TOO_LATE_SECONDS = 2.0


class Receiver(BaseHTTPRequestHandler):
    timeout = 10

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        names = ("Delivery", "Timestamp", "Signature", "Attempt")
        noted = {name.lower(): self.headers[f"Cloudmgr-{name}"] for name in names}
        first = noted["delivery"] not in {each["delivery"] for each in notes()}
        with NOTES.open("a") as file:
            file.write(json.dumps({**noted, "body": body}) + "\n")
        self.misbehave(sum(map(ord, noted["delivery"])) % 4 if first else None)

    def misbehave(self, how: int | None) -> None:
        if how == 0:
            return self.answer(503, b"come back later\x1b[31m")
        if how == 1:
            time.sleep(TOO_LATE_SECONDS)
        elif how == 2:
            self.connection.close()
            return None
        elif how == 3:
            while not GO.exists():
                time.sleep(0.01)
        return self.answer(204)

    def answer(self, status: int, text: bytes = b"") -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except OSError:
            pass  # whoever asked has gone

    def log_message(self, *_: Any) -> None:
        pass


def notes() -> list[dict[str, str]]:
    if not NOTES.exists():
        return []
    return [json.loads(line) for line in NOTES.read_text().splitlines()]


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
