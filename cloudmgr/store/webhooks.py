"""The tables of webhooks, their secrets and their deliveries."""

from __future__ import annotations

from cloudmgr.domain.webhooks import Webhook, WebhookDelivery, WebhookSecret
from cloudmgr.store.mapper import row_of

WebhookRow = row_of(Webhook, index=("organisation_id", "state"))
WebhookSecretRow = row_of(WebhookSecret)
WebhookDeliveryRow = row_of(
    WebhookDelivery, index=(("webhook_id", "state"), "organisation_id", "message_id")
)
"""Deliveries are found by webhook, by who may read them, and by what they tell."""
