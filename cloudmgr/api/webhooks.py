"""Routes of webhooks: subscriptions of an organisation's machines, and their deliveries."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cloudmgr.api.edge import EdgeOf, RequestId, SecretOf
from cloudmgr.api.problems import responses
from cloudmgr.api.routes import Id, command_route, get_route, list_route
from cloudmgr.domain.webhooks import LONGEST_URL, SECRET_PREFIX, Webhook, WebhookDelivery
from cloudmgr.services import codec
from cloudmgr.services.webhooks import (
    MANAGERS,
    EditWebhook,
    PauseWebhook,
    PingWebhook,
    RedeliverWebhook,
    RemoveWebhook,
    RenewWebhookSecret,
    ResumeWebhook,
    SubscribeWebhook,
)

router = APIRouter(tags=["webhooks"])

ROLES = f"Roles: {', '.join(sorted(MANAGERS))}."
Topics = tuple[Annotated[str, Field(max_length=100)], ...]


class NewWebhook(BaseModel):
    """Where to send, and what: no topics means all that the organisation may hear."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "organisation_id": "d01",
                    "label": "office automation",
                    "url": "https://oa.example/cloud",
                    "topics": ["statement_issued", "statement_reminder"],
                }
            ]
        },
    )

    organisation_id: Annotated[str, Field(max_length=160)]
    label: Annotated[str, Field(min_length=1, max_length=100)]
    url: Annotated[str, Field(max_length=LONGEST_URL)]
    topics: Annotated[Topics, Field(max_length=200)] = ()


class SecretOfWebhook(BaseModel):
    """The secret that deliveries are signed with, told this once, and the webhook."""

    secret: str
    webhook: Webhook


@router.post(
    "/webhooks",
    operation_id="subscribe_webhook",
    summary="Subscribe Webhook",
    description=f"{SubscribeWebhook.__doc__}\n\n{ROLES}",
    status_code=201,
    response_model=SecretOfWebhook,
    responses=responses(401, 403, 404, 409, 422),
)
def post_webhook(
    edge: EdgeOf, secret: SecretOf, body: NewWebhook, request_id: RequestId = None
) -> Any:
    made = _new_secret()
    command = SubscribeWebhook(
        organisation_id=body.organisation_id,
        label=body.label,
        url=body.url,
        topics=body.topics,
        secret=made,
        loopback=edge.webhook_loopback,
    )
    webhook = edge.perform(secret, command, key=None, request_id=request_id or "")
    return {"secret": made, "webhook": codec.dump(webhook)}


@router.post(
    "/webhooks/{webhook_id}/secret",
    operation_id="renew_webhook_secret",
    summary="Renew Webhook Secret",
    description=f"{RenewWebhookSecret.__doc__}\n\n{ROLES}",
    response_model=SecretOfWebhook,
    responses=responses(401, 403, 404, 409, 422),
)
def post_secret(
    edge: EdgeOf, secret: SecretOf, webhook_id: Id, request_id: RequestId = None
) -> Any:
    made = _new_secret()
    command = RenewWebhookSecret(webhook_id=webhook_id, secret=made)
    webhook = edge.perform(secret, command, key=None, request_id=request_id or "")
    return {"secret": made, "webhook": codec.dump(webhook)}


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(32)


list_route(router, "/webhooks", Webhook, "organisation_id", "state")
get_route(router, "/webhooks/{id}", Webhook)
command_route(
    router,
    "/webhooks/{webhook_id}/edit",
    EditWebhook,
    {"label": "office automation", "topics": ["statement_issued"]},
)
command_route(router, "/webhooks/{webhook_id}/pause", PauseWebhook, {})
command_route(router, "/webhooks/{webhook_id}/resume", ResumeWebhook, {})
command_route(router, "/webhooks/{webhook_id}/removal", RemoveWebhook, {})
command_route(router, "/webhooks/{webhook_id}/ping", PingWebhook, {})
list_route(
    router, "/webhook-deliveries", WebhookDelivery, "webhook_id", "state", "topic", "message_id"
)
get_route(router, "/webhook-deliveries/{id}", WebhookDelivery)
command_route(router, "/webhook-deliveries/{delivery_id}/redelivery", RedeliverWebhook, {})
