"""What partners' systems send about their endpoints, and what they are shown."""

from __future__ import annotations

from math import isnan
from typing import Any, Final

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from apps.webhooks.addresses import LONGEST_URL
from apps.webhooks.models import (
    Attempt,
    Delivery,
    DeliveryState,
    Disabled,
    Endpoint,
    EndpointState,
    Outcome,
    ParkedWhy,
    PausedBy,
)

LARGEST_SEQUENCE: Final = 2**63 - 1
ID: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
WHEN: Final = "2026-03-04T20:15:00Z"


class EndpointIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80, help_text="your own name for it")
    url = serializers.CharField(max_length=LONGEST_URL, help_text="https; it may carry a secret")
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=60), allow_empty=False, max_length=100
    )
    contact = serializers.EmailField(
        required=False, allow_blank=True, help_text="warned beside CARE's own supervisor"
    )
    rate = serializers.IntegerField(
        min_value=1, max_value=1000, default=50, help_text="attempts a second, at most"
    )


class EndpointChangeIn(serializers.Serializer[Any]):
    """What is left out stays."""

    name = serializers.CharField(max_length=80, required=False)
    url = serializers.CharField(max_length=LONGEST_URL, required=False)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=60),
        allow_empty=False,
        max_length=100,
        required=False,
    )
    contact = serializers.EmailField(required=False, allow_blank=True)
    rate = serializers.IntegerField(min_value=1, max_value=1000, required=False)


class PauseIn(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, help_text="nothing about a person"
    )


class RotateIn(serializers.Serializer[Any]):
    overlap_hours = serializers.FloatField(
        min_value=0,
        max_value=24 * 30,
        default=24,
        help_text="how long the old keys sign beside the new ones; 0 for one that has leaked",
    )

    def validate_overlap_hours(self, hours: float) -> float:
        if isnan(hours):  # "nan" is a float that is neither too small nor too large
            raise serializers.ValidationError("A number of hours.")
        return hours


class ReplaySinceIn(serializers.Serializer[Any]):
    after = serializers.IntegerField(
        min_value=0, max_value=LARGEST_SEQUENCE, help_text="events after this sequence"
    )


KeysOut = inline_serializer(
    "WebhookKeys",
    {
        "secret": serializers.CharField(help_text="whsec_...: verifies v1; shown here only"),
        "public_key": serializers.CharField(help_text="whpk_...: verifies v1a"),
    },
)
_ENDPOINT: Final[dict[str, Any]] = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "url": serializers.CharField(),
    "contact": serializers.CharField(allow_null=True),
    "event_types": serializers.ListField(child=serializers.CharField()),
    "rate": serializers.IntegerField(),
    "state": serializers.ChoiceField(choices=EndpointState.choices),
    "made_at": serializers.DateTimeField(),
    "verified_at": serializers.DateTimeField(allow_null=True),
    "paused_at": serializers.DateTimeField(allow_null=True),
    "paused_by": serializers.ChoiceField(choices=PausedBy.choices, allow_blank=True),
    "pause_reason": serializers.CharField(allow_null=True),
    "disabled_at": serializers.DateTimeField(allow_null=True),
    "disabled_why": serializers.ChoiceField(choices=Disabled.choices, allow_blank=True),
    "sequence": serializers.IntegerField(help_text="of the last event made for it"),
    "pending": serializers.IntegerField(help_text="events not yet accepted or parked"),
    "failures": serializers.IntegerField(help_text="since the last success"),
    "failing_since": serializers.DateTimeField(allow_null=True),
    "succeeded_at": serializers.DateTimeField(allow_null=True),
}
EndpointOut = inline_serializer("WebhookEndpoint", _ENDPOINT)
EndpointsOut = inline_serializer("WebhookEndpoint", _ENDPOINT, many=True)
NewEndpointOut = inline_serializer("NewWebhookEndpoint", {"endpoint": EndpointOut, "keys": KeysOut})
_DELIVERY: Final[dict[str, Any]] = {
    "id": serializers.UUIDField(help_text="the webhook-id"),
    "sequence": serializers.IntegerField(),
    "epoch": serializers.UUIDField(),
    "type": serializers.CharField(),
    "version": serializers.IntegerField(),
    "timestamp": serializers.DateTimeField(help_text="when it happened"),
    "state": serializers.ChoiceField(choices=DeliveryState.choices),
    "parked_why": serializers.ChoiceField(choices=ParkedWhy.choices, allow_blank=True),
    "settled_at": serializers.DateTimeField(allow_null=True),
    "due_at": serializers.DateTimeField(help_text="of the next attempt, while it is pending"),
    "attempts": serializers.IntegerField(),
}
DeliveryOut = inline_serializer("WebhookDelivery", dict(_DELIVERY))
AttemptOut = inline_serializer(
    "WebhookAttempt",
    {
        "number": serializers.IntegerField(),
        "started_at": serializers.DateTimeField(),
        "ended_at": serializers.DateTimeField(allow_null=True),
        "outcome": serializers.ChoiceField(choices=Outcome.choices),
        "status": serializers.IntegerField(allow_null=True),
        "latency_ms": serializers.IntegerField(allow_null=True),
        "excerpt": serializers.CharField(
            allow_null=True, help_text="the beginning of the answer, while it is kept"
        ),
    },
)
DeliveryWholeOut = inline_serializer(
    "WebhookDeliveryWhole",
    {
        **_DELIVERY,
        "data": serializers.JSONField(allow_null=True, help_text="null once it has expired"),
        "tried": serializers.ListField(child=AttemptOut),
    },
)
DeliveriesOut = inline_serializer(
    "WebhookDeliveries",
    {
        "deliveries": serializers.ListField(child=DeliveryOut),
        "before": serializers.IntegerField(
            allow_null=True, help_text="ask with ?before= for older ones; null: there are none"
        ),
    },
)
EventsOut = inline_serializer(
    "PartnerEvents",
    {
        "endpoint": serializers.UUIDField(),
        "epoch": serializers.UUIDField(help_text="of the present history"),
        "head": serializers.IntegerField(help_text="the last sequence that there is"),
        "more": serializers.BooleanField(help_text="ask again, after the last one here"),
        "events": serializers.ListField(
            child=inline_serializer(
                "PartnerEvent",
                {
                    "id": serializers.UUIDField(help_text="the webhook-id"),
                    "type": serializers.CharField(),
                    "version": serializers.IntegerField(),
                    "timestamp": serializers.DateTimeField(),
                    "sequence": serializers.IntegerField(),
                    "epoch": serializers.UUIDField(),
                    "state": serializers.ChoiceField(choices=DeliveryState.choices),
                    "data": serializers.JSONField(allow_null=True),
                },
            )
        ),
    },
)
EventTypesOut = inline_serializer(
    "EventType",
    {
        "type": serializers.CharField(),
        "version": serializers.IntegerField(),
        "title": serializers.CharField(),
        "urgent": serializers.BooleanField(help_text="waits for no event before it"),
        "restricted": serializers.BooleanField(help_text="CARE has to allow it first"),
        "optional": serializers.BooleanField(help_text="an endpoint may ask for it"),
        "schema": serializers.JSONField(help_text="JSON Schema of the whole body"),
        "example": serializers.JSONField(),
    },
    many=True,
)
ReplayedOut = inline_serializer(
    "Replayed",
    {
        "count": serializers.IntegerField(),
        "last": serializers.IntegerField(help_text="go on after this one, if there was one"),
    },
)

A_NEW_ENDPOINT: Final = {
    "name": "intake",
    "url": "https://partner.example/carefield?key=secret",
    "event_types": ["referral.requested", "consent.revoked"],
    "contact": "it@partner.example",
    "rate": 20,
}
KEYS: Final = {
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "public_key": "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
}
AN_ENDPOINT: Final = {
    "id": ID,
    "name": "intake",
    "url": "https://partner.example/carefield?key=secret",
    "contact": "it@partner.example",
    "event_types": ["consent.revoked", "referral.requested"],
    "rate": 20,
    "state": "unverified",
    "made_at": WHEN,
    "verified_at": None,
    "paused_at": None,
    "paused_by": "",
    "pause_reason": None,
    "disabled_at": None,
    "disabled_why": "",
    "sequence": 0,
    "pending": 0,
    "failures": 0,
    "failing_since": None,
    "succeeded_at": None,
}
A_DELIVERY: Final[dict[str, Any]] = {
    "id": "5b1f4a52-2f9a-5d0e-8f0e-3b1c5a2f7d10",
    "sequence": 4711,
    "epoch": "6f2c0c1e-2f0b-4c55-9d8e-4c1a6e0f7a10",
    "type": "webhook.test",
    "version": 1,
    "timestamp": WHEN,
    "state": "accepted",
    "parked_why": "",
    "settled_at": WHEN,
    "due_at": WHEN,
    "attempts": 1,
}
AN_ATTEMPT: Final = {
    "number": 1,
    "started_at": WHEN,
    "ended_at": WHEN,
    "outcome": "accepted",
    "status": 200,
    "latency_ms": 41,
    "excerpt": "ok",
}


def endpoint_out(row: Endpoint) -> dict[str, Any]:
    """An endpoint as its partner sees it. No key is in it."""
    return {
        "id": row.pk,
        "name": row.name,
        "url": row.url,
        "contact": row.contact,
        "event_types": row.event_types,
        "rate": row.rate,
        "state": row.state,
        "made_at": row.made_at,
        "verified_at": row.verified_at,
        "paused_at": row.paused_at,
        "paused_by": row.paused_by,
        "pause_reason": row.pause_reason,
        "disabled_at": row.disabled_at,
        "disabled_why": row.disabled_why,
        "sequence": row.sequence,
        "pending": Delivery.objects.pending().filter(endpoint=row).count(),
        "failures": row.failures,
        "failing_since": row.failing_since,
        "succeeded_at": row.succeeded_at,
    }


def delivery_out(row: Delivery) -> dict[str, Any]:
    """A delivery without its body."""
    return {
        "id": row.pk,
        "sequence": row.sequence,
        "epoch": row.epoch,
        "type": row.type,
        "version": row.version,
        "timestamp": row.occurred_at,
        "state": row.state,
        "parked_why": row.parked_why,
        "settled_at": row.settled_at,
        "due_at": row.due_at,
        "attempts": row.attempts,
    }


def data_out(row: Delivery) -> Any:
    """What was told; a challenge is for the receiver's eyes alone."""
    return None if row.type == "endpoint.verification" else row.data


def attempt_out(row: Attempt) -> dict[str, Any]:
    """An attempt with the beginning of its answer."""
    return {
        "number": row.number,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "outcome": row.outcome,
        "status": row.status,
        "latency_ms": row.latency_ms,
        "excerpt": row.excerpt,
    }
