"""Shapes and examples of the endpoints' requests and answers."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

A_KIT: Final = {
    "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c61",
    "label": "Bag CARE21",
    "unit": "CARE21",
    "stock": [
        {
            "product": "Naloxone nasal spray 4 mg/0.1 mL",
            "lot": "A1",
            "expires_on": "2027-03-31",
            "quantity": 2,
        }
    ],
    "warnings": [{"kind": "low", "product": "Naloxone nasal spray 4 mg/0.1 mL", "lot": None}],
}
A_RECALL: Final = {
    "id": "01931f6e-0000-7c3a-9a51-0d7a8f4b2c52",
    "product": "Naloxone nasal spray 4 mg/0.1 mL",
    "number": "A1",
    "recalled_at": "2026-03-04T22:20:31.120000Z",
    "recall_number": "Z-0123-2026",
    "in_kits": [{"kit": "Bag CARE21", "unit": "CARE21", "quantity": 2}],
    "doses": [
        {
            "dose": "01931f80-1a2b-7c3a-9a51-0d7a8f4b2c41",
            "unit": "CARE21",
            "at": "2026-03-04T22:34:11.007000Z",
        }
    ],
    "maybe": [],
    "left_behind": [],
}
SOME_DOSES: Final = {
    "naloxone_given": 1,
    "doses": [
        {
            "at": "2026-03-04T22:34:10.120Z",
            "drug": "Naloxone",
            "dose": "4 mg",
            "route": "In the nose",
            "given_by": "CARE",
            "before_arrival": False,
            "breathing_before": "Gasping or weak",
            "breathing_after": "Normal",
            "response": "Better",
            "complications": [],
            "not_given": "",
        }
    ],
    "answers": [
        {
            "question": "Is the fire department called? When?",
            "answer": "Called",
            "at": "2026-03-04T22:34:20.120Z",
            "called_at": "2026-03-04T22:34:15.000Z",
            "response": "",
            "witness": "",
            "note": "",
        }
    ],
    "open": [{"question": "Is the person breathing?", "due_at": "2026-03-04T22:36:40.120Z"}],
}


class LevelOut(serializers.Serializer[Any]):
    product = serializers.CharField()
    lot = serializers.CharField(allow_null=True, help_text="null: nobody said of which lot")
    expires_on = serializers.DateField(allow_null=True)
    quantity = serializers.IntegerField()


class WarningOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    product = serializers.CharField()
    lot = serializers.CharField(allow_null=True)


class KitOut(serializers.Serializer[Any]):
    """What lies in a kit, and what to warn of, the worst first."""

    id = serializers.UUIDField()
    label = serializers.CharField()  # type: ignore[assignment]  # a declared field, no property
    unit = serializers.CharField(allow_null=True)
    stock = LevelOut(many=True)
    warnings = WarningOut(many=True)


class InKitOut(serializers.Serializer[Any]):
    kit = serializers.CharField()
    unit = serializers.CharField(allow_null=True)
    quantity = serializers.IntegerField()


class GoneOut(serializers.Serializer[Any]):
    dose = serializers.UUIDField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField()


class RecallOut(serializers.Serializer[Any]):
    """Where a lot is and went. `maybe`: of no lot that anybody named, from a kit that had it
    or that nobody knows."""

    id = serializers.UUIDField()
    product = serializers.CharField()
    number = serializers.CharField()
    recalled_at = serializers.DateTimeField(allow_null=True)
    recall_number = serializers.CharField()
    in_kits = InKitOut(many=True)
    doses = GoneOut(many=True)
    maybe = GoneOut(many=True)
    left_behind = GoneOut(many=True)


class RecallIn(serializers.Serializer[Any]):
    number = serializers.CharField(
        max_length=60, help_text="the maker's or the FDA's number of the recall"
    )
