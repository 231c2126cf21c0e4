"""What Alembic runs: on the connection that `cloudmgr.store.migrate` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text

from cloudmgr.store.columns import ChoiceColumn, JsonColumn, MonthColumn, TextColumn
from cloudmgr.store.tables import METADATA

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7265843210)")


def render(kind: str, item: Any, autogenerate: AutogenContext) -> str | Literal[False]:
    """Scripts name what stands in the database, not today's enumerations and nested values."""
    if kind != "type" or not type(item).__module__.startswith("cloudmgr."):
        return False
    autogenerate.imports.add("from cloudmgr.store import columns")
    name = type(item).__name__
    if isinstance(item, ChoiceColumn | JsonColumn | MonthColumn):
        name = TextColumn.__name__
    places = getattr(item, "places", "")
    return f"columns.{name}({places})"


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_AT_A_TIME)
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_item=render,
        transactional_ddl=True,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
