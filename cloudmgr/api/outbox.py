"""Routes of the outbox: what waits to leave the node, and its dead letters."""

from __future__ import annotations

from fastapi import APIRouter

from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.services.outbox import RetryMessage

router = APIRouter(tags=["outbox"])

list_route(router, "/outbox-messages", OutboxMessage, "state", "topic", "subject")
get_route(router, "/outbox-messages/{id}", OutboxMessage)
command_route(router, "/outbox-messages/{message_id}/retry", RetryMessage, {})
