"""Routes of the inbox: one's own notifications, how many wait, and reading them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from cloudmgr.api.edge import EdgeOf, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import command_route, get_route, list_route
from cloudmgr.domain.notifications import Notification
from cloudmgr.services import codec
from cloudmgr.services.notifications import (
    KnownTopic,
    ReadNotification,
    ReadNotifications,
    Unread,
    known_topics,
    unread_of,
)

router = APIRouter(tags=["notifications"])


@router.get(
    "/notifications/unread",
    operation_id="get_unread_notifications",
    summary="Count unread notifications",
    response_model=Unread,
    responses=responses(401, 403),
)
def get_unread(edge: EdgeOf, secret: SecretOf) -> Any:
    """How many of one's own notifications wait, for a badge: counted up to 500."""
    with edge.reading(secret) as (world, actor, _):
        return codec.dump(unread_of(world, actor))


@router.get(
    "/notifications/topics",
    operation_id="get_notification_topics",
    summary="Topics of notifications and webhooks",
    response_model=tuple[KnownTopic, ...],
    responses=responses(401, 403),
)
def get_topics(edge: EdgeOf, secret: SecretOf) -> Any:
    """Everything that people and webhooks are told of, with its words."""
    with edge.reading(secret):
        return codec.dump(known_topics(), tuple[KnownTopic, ...])


list_route(router, "/notifications", Notification, "read", "topic", "subject")
get_route(router, "/notifications/{id}", Notification)
command_route(
    router,
    "/notifications/read",
    ReadNotifications,
    {"up_to_id": "MSG-0000000042.d01.user"},
)
command_route(router, "/notifications/{notification_id}/read", ReadNotification, {})
