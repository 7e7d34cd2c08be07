"""Shapes and examples of the endpoints' requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers

from apps.accounts.models import User
from apps.audit.services import Actor
from apps.core.clock import iso
from apps.referrals import codes, schemas, states
from apps.referrals.consenting import BASIS_RULES
from apps.referrals.models import ConsentRecipient, Disclosure, ReferralTask, Way
from apps.referrals.services.answers import LONGEST_KEY, Said

# More go in the next request.
MOST_ANSWERS: Final = 100
_TASK: Final = schemas.A_TASK["id"]
_REFERRAL: Final = schemas.REFERRAL["examples"][0]["id"]
A_LISTED: Final[dict[str, Any]] = {
    "id": _TASK,
    "referral_id": _REFERRAL,
    "number": "CR-8F4B2C71",
    "status": "requested",
    "status_at": "2026-03-04T22:50:02.120000Z",
    "sent_at": "2026-03-04T22:50:02.120000Z",
    "first_read_at": None,
    "answered_at": None,
    "awaits": "answer",
    "case_number": None,
}
A_TOLD: Final[dict[str, Any]] = {
    "id": _REFERRAL,
    "number": "CR-8F4B2C71",
    "task": {
        "id": _TASK,
        "status": "requested",
        "status_at": "2026-03-04T22:50:02.120Z",
        "sent_at": "2026-03-04T22:50:02.120Z",
        "case_number": None,
        "reason": None,
        "question": None,
        "appointment_at": None,
        "appointment_place": None,
        "attended": None,
        "served": None,
    },
    "person": {"given_name": "Dana", "language": "es"},
    "needs": ["homelessness"],
    "note": "Can walk. Has a dog.",
    "urgency": "tonight",
    "answer_by": "2026-03-04T23:00:02.120Z",
    "call_us": {"text": "Please call us about this referral.", "phone": "206-555-0199"},
}
A_CALL_US: Final[dict[str, Any]] = {
    name: A_TOLD[name] for name in ("id", "number", "task", "call_us")
}
AN_ANSWER: Final[dict[str, Any]] = {
    "key": "d1f6a0e2-answer-1",
    "verb": "accept",
    "said_by": "Kim, front desk",
    "case_number": "PSS-4411",
}
A_REFUSAL: Final[dict[str, Any]] = {
    "key": "d1f6a0e2-answer-2",
    "verb": "decline",
    "said_by": "Kim, front desk",
    "reason_code": "full",
    "reason": "No bed until Friday.",
}
AN_ANSWERED: Final[dict[str, Any]] = {
    "task": _TASK,
    "key": AN_ANSWER["key"],
    "verb": "accept",
    "status": "accepted",
    "case_number": "PSS-4411",
    "received_at": "2026-03-04T22:58:10.020000Z",
}
A_RESULT: Final[dict[str, Any]] = {
    "task": _TASK,
    "key": AN_ANSWER["key"],
    "taken": True,
    "status": "accepted",
    "problem": None,
}
A_REVOCATION: Final[dict[str, Any]] = {
    "id": "01931fb1-1a2b-7c3a-9a51-0d7a8f4b2c99",
    "consent_id": schemas.CONSENT["examples"][0]["id"],
    "task_ids": [_TASK],
    "told_at": "2026-03-05T18:00:00.000000Z",
    "acknowledged_at": None,
}
A_DISCLOSURE: Final[dict[str, Any]] = {
    "id": "01931fb2-1a2b-7c3a-9a51-0d7a8f4b2c75",
    "at": "2026-03-04T22:55:40.310000Z",
    "basis": "consent",
    "recipient": "Pioneer Square Shelter",
    "affiliation": "Pioneer Square Shelter",
    "nature": "",
    "categories": ["identity", "needs"],
    "places": ["person.given_name", "needs[]"],
    "part2": False,
    "way": "api",
    "discloser": None,
    "consents": [schemas.CONSENT["examples"][0]["id"]],
    "payload_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "flags": [],
}
AN_ORDER: Final[dict[str, Any]] = {
    "basis": "court_order",
    "recipient": "King County Superior Court",
    "affiliation": "King County",
    "nature": "Order 26-2-01234-5 of 2026-03-10",
}
A_DISCLOSED: Final[dict[str, Any]] = {
    "document": {
        "encounter_id": schemas.CONSENT["examples"][0]["encounter_id"],
        "basis": "Court order",
        "at": "2026-03-11T17:00:00.000Z",
        "person": {"given_name": "Dana"},
        "call_us": {"text": "Please call us about this referral.", "phone": "206-555-0199"},
    },
    "disclosure": {**A_DISCLOSURE, **AN_ORDER, "way": "desk", "consents": []},
}
A_CARD: Final[dict[str, Any]] = {
    "month": "2026-03",
    "asked": 42,
    "answered": 40,
    "accepted": 31,
    "declined": 9,
    "served": 24,
    "not_served": 5,
    "seconds_to_answer": 412.0,
    "answered_share": 0.952,
    "accepted_share": 0.775,
    "served_share": 0.774,
    "loop_closed_share": 0.935,
    "capacity_told": 20,
    "capacity_true_share": 0.9,
}


class ListedOut(serializers.ModelSerializer[ReferralTask]):
    """A referral that this partner was sent. It says nothing of anybody: read it for that."""

    number = serializers.CharField(source="referral.number")
    status = serializers.CharField(help_text=f"one of {', '.join(codes.TASK_STATUSES)}")
    case_number = serializers.CharField(allow_null=True)

    class Meta:
        model = ReferralTask
        fields = (
            *("id", "referral_id", "number", "status", "status_at", "sent_at", "first_read_at"),
            *("answered_at", "awaits", "case_number"),
        )


class SaidIn(serializers.Serializer[Any]):
    """What is said of a referral. Which verb asks for what: a reason with `decline`, `hold` and
    `not_served`, `text` with `ask`, `appointment_at` with `appointment`."""

    key = serializers.CharField(
        max_length=LONGEST_KEY, help_text="your name for this answer: the same again is one answer"
    )
    verb = serializers.ChoiceField(choices=[(one, codes.VERBS[one]) for one in states.PARTNERS])
    said_by = serializers.CharField(max_length=200, help_text="who says it, for you")
    said_at = serializers.DateTimeField(required=False, help_text="left out: now")
    reason_code = serializers.ChoiceField(choices=list(codes.REASONS.items()), required=False)
    reason = serializers.CharField(max_length=8000, required=False)
    text = serializers.CharField(max_length=8000, required=False)
    case_number = serializers.CharField(
        max_length=200, required=False, help_text="your own number: it is told back everywhere"
    )
    appointment_at = serializers.DateTimeField(required=False)
    appointment_place = serializers.CharField(max_length=200, required=False)
    services = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=20, required=False
    )


def said_of(
    told: Mapping[str, Any],
    *,
    way: Way,
    actor: Actor,
    recorded_by: User | None = None,
    token_id: UUID | None = None,
    now: datetime,
) -> Said:
    """What a `SaidIn` that was found valid says, as the verb `answer` takes it."""
    rest = dict(told)
    if at := rest.get("appointment_at"):
        rest["appointment_at"] = iso(at)
    return Said(
        verb=rest.pop("verb"),
        key=rest.pop("key"),
        way=way,
        actor=actor,
        said_at=rest.pop("said_at", None) or now,
        said_by=rest.pop("said_by"),
        told=rest,
        recorded_by=recorded_by,
        token_id=token_id,
    )


class BulkSaidIn(SaidIn):
    task = serializers.UUIDField()


class BulkIn(serializers.Serializer[Any]):
    answers = BulkSaidIn(many=True, allow_empty=False, max_length=MOST_ANSWERS)  # type: ignore[call-arg]


class AnsweredOut(serializers.Serializer[Any]):
    """What was taken, and the state that the referral is in after it."""

    task = serializers.UUIDField(source="task_id")
    key = serializers.CharField()
    verb = serializers.CharField()
    status = serializers.CharField(help_text=f"one of {', '.join(codes.TASK_STATUSES)}")
    case_number = serializers.CharField(source="task.case_number", allow_null=True)
    received_at = serializers.DateTimeField()


class ResultOut(serializers.Serializer[Any]):
    """What became of one of many answers. One that is refused holds up no other."""

    task = serializers.UUIDField()
    key = serializers.CharField()
    taken = serializers.BooleanField()
    status = serializers.CharField(allow_null=True)
    problem = serializers.JSONField(allow_null=True)


class ResultsOut(serializers.Serializer[Any]):
    results = ResultOut(many=True)


class RevocationOut(serializers.ModelSerializer[ConsentRecipient]):
    """A consent that this partner was told is revoked, and the tasks of which it has read something
    on it."""

    task_ids = serializers.SerializerMethodField()

    class Meta:
        model = ConsentRecipient
        fields = ("id", "consent_id", "task_ids", "told_at", "acknowledged_at")

    def get_task_ids(self, row: ConsentRecipient) -> list[UUID]:
        return Disclosure.objects.tasks_read_on(row)


class AcknowledgeIn(serializers.Serializer[Any]):
    by = serializers.CharField(max_length=200, help_text="who knows of it now")


class DisclosureOut(serializers.ModelSerializer[Disclosure]):
    """One disclosure: what kind of data went to whom, why, and the hash of what it was."""

    recipient = serializers.CharField()
    affiliation = serializers.CharField()
    nature = serializers.CharField()
    discloser = serializers.CharField(
        source="discloser.display_name", default=None, allow_null=True
    )
    payload_sha256 = serializers.SerializerMethodField()

    class Meta:
        model = Disclosure
        fields = (
            *("id", "at", "basis", "recipient", "affiliation", "nature", "categories", "places"),
            *("part2", "way", "discloser", "consents", "payload_sha256", "flags"),
        )

    def get_payload_sha256(self, row: Disclosure) -> str:
        return bytes(row.payload_sha256).hex()


class DiscloseIn(serializers.Serializer[Any]):
    """On what a disclosure rests that is no consent, and to whom it goes."""

    basis = serializers.ChoiceField(choices=[(one, codes.BASES[one]) for one in BASIS_RULES])
    recipient = serializers.CharField(max_length=200)
    affiliation = serializers.CharField(max_length=200, required=False, allow_blank=True)
    nature = serializers.CharField(
        max_length=8000,
        required=False,
        allow_blank=True,
        help_text="of the emergency, threat, report or order",
    )


class DisclosedOut(serializers.Serializer[Any]):
    """What may be handed over, and its place in the accounting."""

    document = serializers.JSONField()
    disclosure = DisclosureOut()


class CardOut(serializers.Serializer[Any]):
    """One partner's month. Shares are null where there is nothing to take them of."""

    month = serializers.CharField()
    asked = serializers.IntegerField()
    answered = serializers.IntegerField()
    accepted = serializers.IntegerField()
    declined = serializers.IntegerField()
    served = serializers.IntegerField()
    not_served = serializers.IntegerField()
    seconds_to_answer = serializers.FloatField(allow_null=True, help_text="the median")
    answered_share = serializers.FloatField(allow_null=True)
    accepted_share = serializers.FloatField(allow_null=True)
    served_share = serializers.FloatField(allow_null=True)
    loop_closed_share = serializers.FloatField(allow_null=True)
    capacity_told = serializers.IntegerField()
    capacity_true_share = serializers.FloatField(allow_null=True)
