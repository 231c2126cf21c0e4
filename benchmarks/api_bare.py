"""What the API is compared with: FastAPI and SQLAlchemy alone, running the same queries.

The same tables, the same authentication, the same page, the same inserts with an audit event
chained under a lock; no roles, no lifecycles, no rules. Serve it with
`python -m benchmarks.api_bare --url postgresql+psycopg://… --port N`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Body, Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import Connection, MetaData, create_engine, func, select, text
from sqlalchemy.dialects.postgresql import insert

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
LOCK = text("SELECT pg_advisory_xact_lock(:key)")
JSON_FIELDS = {"resources", "segments", "lines", "placement"}


class Line(BaseModel):
    line: int
    sku_id: str
    quantity: int


class Draft(BaseModel):
    department_id: str
    application_id: str
    kind: str
    reason: str
    lines: list[Line]


class Queries:
    """The tables and the questions asked of them, without any rule."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_size=40, max_overflow=0)
        metadata = MetaData()
        metadata.reflect(self.engine)
        self.table = metadata.tables

    def rows(self, connection: Connection, name: str, **where: Any) -> list[dict[str, Any]]:
        chosen = select(self.table[name])
        for column, value in where.items():
            chosen = chosen.where(self.table[name].c[column] == value)
        return [dict(row._mapping) for row in connection.execute(chosen)]

    def page(self, name: str, key: str, after: Any, limit: int, **where: Any) -> Any:
        chosen = self.table[name]
        column = chosen.c[key]
        wanted = select(chosen).where(column > after).order_by(column).limit(limit)
        for field, value in where.items():
            wanted = wanted.where(chosen.c[field] == value)
        return wanted

    def who(self, connection: Connection, secret: str) -> str:
        """The user behind a token, with roles and organisations read as the API reads them."""
        self.rows(connection, "node_settings", id="node")
        token = self.rows(connection, "token", id=hashlib.sha256(secret.encode()).hexdigest())
        if not token:
            raise HTTPException(401)
        user_id = str(token[0]["user_id"])
        self.rows(connection, "user", id=user_id)
        for grant in self.rows(connection, "role_grant", user_id=user_id):
            organisation = self.rows(connection, "organisation", id=grant["organisation_id"])[0]
            self.rows(connection, "region", id=organisation["region_id"])
        return user_id

    def first_time(self, connection: Connection, key: str) -> str:
        """Look for the answer given under a key, hold the key, and look again."""
        id = hashlib.sha256(key.encode()).hexdigest()
        self.rows(connection, "idempotency_record", id=id)
        connection.execute(LOCK, {"key": int(id[:12], 16)})
        for _ in range(2):
            self.rows(connection, "idempotency_record", id=id)
        return id

    def number(self, connection: Connection, series: str) -> int:
        chosen = self.table["number"]
        counted = insert(chosen).values(series=series, value=1)
        counted = counted.on_conflict_do_update(
            index_elements=[chosen.c.series], set_={"value": chosen.c.value + 1}
        )
        return int(connection.execute(counted.returning(chosen.c.value)).scalar_one())

    def revision(self, connection: Connection, name: str) -> None:
        version = self.table[name].c.version
        connection.execute(select(func.count(version), func.coalesce(func.sum(version), 0)))

    def written(
        self, connection: Connection, id: str, user_id: str, command: str, answer: Any
    ) -> None:
        """The audit event under its lock, and the answer under its key."""
        chain = self.table["audit_event"]
        connection.execute(LOCK, {"key": 1})
        last = connection.execute(select(chain).order_by(chain.c.sequence.desc()).limit(1)).one()
        body = json.dumps(answer, default=str)
        event = {
            "sequence": last.sequence + 1,
            "at": NOW,
            "user_id": user_id,
            "role": "department_user",
            "command": command,
            "subject": f"ResourceRequest/{answer['id']}",
            "before": "",
            "after": hashlib.sha256(body.encode()).hexdigest(),
            "request_id": "",
            "previous": last.hash,
        }
        event["hash"] = hashlib.sha256(json.dumps(event, default=str).encode()).hexdigest()
        connection.execute(chain.insert(), event)
        record = {
            "id": id,
            "version": 1,
            "user_id": user_id,
            "command": command,
            "body_digest": event["after"],
            "answer": body,
            "at": NOW,
        }
        with connection.begin_nested():
            connection.execute(self.table["idempotency_record"].insert(), record)

    def empty_request(self) -> dict[str, Any]:
        """A value for every column of a request that must have one."""
        plain: dict[str, Any] = {"BOOLEAN": False, "BIGINT": 0, "TIMESTAMP": NOW}
        return {
            column.name: plain.get(str(column.type).partition("(")[0], "")
            for column in self.table["resource_request"].columns
            if not column.nullable
        }


def bearer(authorization: Annotated[str, Header()]) -> str:
    return authorization.removeprefix("Bearer ")


Secret = Annotated[str, Depends(bearer)]
Key = Annotated[str, Header(alias="Idempotency-Key")]


def add_reads(app: FastAPI, queries: Queries) -> None:
    @app.get("/allocations")
    def allocations(
        secret: Secret, department_id: str | None = None, after: str = "", limit: int = 50
    ) -> Any:
        with queries.engine.begin() as connection:
            queries.who(connection, secret)
            where = {"department_id": department_id} if department_id else {}
            wanted = queries.page("allocation", "id", after, limit + 1, **where)
            found = connection.execute(wanted).all()
        return {"items": [plain(row) for row in found[:limit]]}

    @app.get("/allocations/{id}")
    def allocation(id: str, secret: Secret) -> Any:
        with queries.engine.begin() as connection:
            queries.who(connection, secret)
            return plain(queries.rows(connection, "allocation", id=id)[0])

    @app.get("/audit-events")
    def events(secret: Secret, after: int = 0, limit: int = 100) -> Any:
        with queries.engine.begin() as connection:
            queries.who(connection, secret)
            wanted = queries.page("audit_event", "sequence", after, limit)
            return [dict(row._mapping) for row in connection.execute(wanted)]


def add_commands(app: FastAPI, queries: Queries) -> None:
    requests = queries.table["resource_request"]
    sample = queries.empty_request()

    @app.post("/requests", status_code=201)
    def draft(body: Annotated[Draft, Body()], key: Key, secret: Secret) -> Any:
        with queries.engine.begin() as connection:
            user_id = queries.who(connection, secret)
            id = queries.first_time(connection, key)
            queries.rows(connection, "application", id=body.application_id)
            request = {
                **sample,
                **body.model_dump(),
                "id": f"REQ-{queries.number(connection, 'REQ'):08d}",
                "version": 1,
                "submitter_id": user_id,
                "lines": json.dumps([line.model_dump() for line in body.lines]),
                "placement": "[]",
                "state": "draft",
            }
            connection.execute(requests.insert(), request)
            queries.written(connection, id, user_id, "draft_request", request)
        return plain(request)

    @app.post("/requests/{request_id}/submission")
    def submit(request_id: str, key: Key, secret: Secret) -> Any:
        with queries.engine.begin() as connection:
            user_id = queries.who(connection, secret)
            id = queries.first_time(connection, key)
            request = looked_at(queries, connection, request_id)
            timer = {
                "id": f"{request_id}|request_overdue#0001",
                "version": 1,
                "kind": "request_overdue",
                "subject_id": request_id,
                "due_at": NOW,
                "state": "pending",
            }
            connection.execute(queries.table["timer"].insert(), timer)
            connection.execute(
                requests.update()
                .where(requests.c.id == request_id, requests.c.version == request["version"])
                .values(version=request["version"] + 1, state="unit_signing", submitted_at=NOW)
            )
            queries.written(connection, id, user_id, "submit_request", request)
        return plain(request)


def looked_at(queries: Queries, connection: Connection, request_id: str) -> dict[str, Any]:
    """What a submission reads before it is priced."""
    queries.rows(connection, "resource_request", id=request_id)
    request = queries.rows(connection, "resource_request", id=request_id)[0]
    queries.rows(connection, "application", id=request["application_id"])
    for name in ("policy", "published_catalog", "quote", "contract", "site"):
        queries.revision(connection, name)
    for name in ("resource_pool", "assessment", "inventory"):
        queries.rows(connection, name)
    for _ in range(2):
        queries.rows(connection, "budget", department_id=request["department_id"])
    for _ in range(6):
        queries.rows(connection, "quota", id=request["department_id"])
    queries.rows(
        connection,
        "resource_request",
        application_id=request["application_id"],
        approved_at=None,
    )
    queries.rows(connection, "approval", request_id=request_id)
    queries.rows(connection, "timer", subject_id=request_id)
    return request


def plain(row: Any) -> dict[str, Any]:
    """A row as it goes out: nested values as JSON, everything else by FastAPI's encoder."""
    told = dict(getattr(row, "_mapping", row))
    for name in JSON_FIELDS & told.keys():
        told[name] = json.loads(told[name])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    app, queries = FastAPI(), Queries(given.url)
    add_reads(app, queries)
    add_commands(app, queries)
    uvicorn.run(app, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
