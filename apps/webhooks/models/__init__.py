"""Endpoints, their keys, what is to be delivered to them, and every attempt at it."""

from apps.webhooks.models.deliveries import (
    Attempt,
    Delivery,
    DeliveryState,
    Lane,
    Outcome,
    ParkedWhy,
)
from apps.webhooks.models.endpoints import (
    Allowance,
    Disabled,
    Endpoint,
    EndpointState,
    Notice,
    NoticeKind,
    PausedBy,
    SigningKey,
)
from apps.webhooks.models.log import Cursor, UntoldEvent

__all__ = [
    "Allowance",
    "Attempt",
    "Cursor",
    "Delivery",
    "DeliveryState",
    "Disabled",
    "Endpoint",
    "EndpointState",
    "Lane",
    "Notice",
    "NoticeKind",
    "Outcome",
    "ParkedWhy",
    "PausedBy",
    "SigningKey",
    "UntoldEvent",
]
