"""What partners are told of referrals and consents: ids, states and times, nothing of anybody. What
is in a referral a partner reads under its own token, where consent is asked."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from apps.core.clock import iso
from apps.referrals import schemas
from apps.referrals.codes import TASK_STATUSES
from apps.referrals.models import ConsentRecipient, Disclosure, ReferralTask
from apps.webhooks.catalogue import EventType, Lane, register

_ID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": "string", "format": "date-time"}
_TASK: Final[dict[str, Any]] = {
    "referral_id": {**_ID, "description": "what is needed: the same for every partner asked"},
    "task_id": {**_ID, "description": "that you are asked: read and answer it under this id"},
    "number": {"type": "string", "maxLength": 20, "description": "for the telephone"},
    "status": {"enum": [*TASK_STATUSES], "description": "as of the moment when it was sent"},
    "status_at": _TIME,
}
_REVOCATION: Final[dict[str, Any]] = {
    "revocation_id": {**_ID, "description": "acknowledge it under this id"},
    "consent_id": {**_ID, "description": "which one"},
    "task_ids": {
        "type": "array",
        "items": _ID,
        "description": "of what you read something on it",
    },
    "revoked_at": _TIME,
}
_A_TASK: Final = {
    "referral_id": schemas.REFERRAL["examples"][0]["id"],
    "task_id": schemas.A_TASK["id"],
    "number": "CR-8F4B2C71",
    "status": "requested",
    "status_at": "2026-03-04T22:50:02.120Z",
}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def task(task_id: UUID) -> dict[str, Any] | None:
    """A task as it stands. None: it was taken back before it was sent."""
    row = ReferralTask.objects.select_related("referral").filter(pk=task_id).first()
    if row is None or row.sent_at is None:
        return None
    return {
        "referral_id": str(row.referral_id),
        "task_id": str(row.pk),
        "number": row.referral.number,
        "status": row.status,
        "status_at": iso(row.status_at),
    }


def revocation(recipient_id: UUID) -> dict[str, Any] | None:
    """That a consent which names the partner is revoked."""
    row = ConsentRecipient.objects.select_related("consent").filter(pk=recipient_id).first()
    if row is None or row.consent.revoked_at is None:
        return None
    return {
        "revocation_id": str(row.pk),
        "consent_id": str(row.consent_id),
        "task_ids": [str(id) for id in Disclosure.objects.tasks_read_on(row)],
        "revoked_at": iso(row.consent.revoked_at),
    }


def whose_task(task_id: UUID) -> frozenset[UUID]:
    """The partner that is asked."""
    return frozenset(ReferralTask.objects.filter(pk=task_id).values_list("partner", flat=True))


def whose_revocation(recipient_id: UUID) -> frozenset[UUID]:
    """The partner that the consent names."""
    rows = ConsentRecipient.objects.filter(pk=recipient_id)
    return frozenset(rows.values_list("partner", flat=True))


def _of_task(name: str, title: str, status: str, *, lane: Lane = Lane.ORDINARY) -> None:
    register(
        EventType(
            name=name,
            version=1,
            title=title,
            on=(name,),
            schema=_closed(_TASK),
            example={**_A_TASK, "status": status},
            build=task,
            audience=whose_task,
            lane=lane,
        )
    )


_of_task("referral.requested", "You are asked for something: read it, then answer.", "requested")
_of_task("referral.updated", "CARE has added something: a reply, a transport.", "accepted")
_of_task("referral.reminded", "It waits for your answer, or for what came of it.", "requested")
_of_task("referral.answered", "An answer of yours was taken, by whichever way it came.", "accepted")
_of_task(
    "referral.cancelled",
    "You are not asked any more: read the reason, do nothing more.",
    "cancelled",
    lane=Lane.URGENT,
)
register(
    EventType(
        name="consent.revoked",
        version=1,
        title="A consent is revoked: use nothing that you read on it any further, and acknowledge.",
        on=("consent.revoked",),
        schema=_closed(_REVOCATION),
        example={
            "revocation_id": "01931fb1-1a2b-7c3a-9a51-0d7a8f4b2c99",
            "consent_id": schemas.CONSENT["examples"][0]["id"],
            "task_ids": [schemas.A_TASK["id"]],
            "revoked_at": "2026-03-05T18:00:00.000Z",
        },
        build=revocation,
        audience=whose_revocation,
        lane=Lane.URGENT,
    )
)
