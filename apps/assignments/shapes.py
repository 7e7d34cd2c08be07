"""Shapes and examples of the endpoints' requests and answers."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.assignments.documents import arrival
from apps.assignments.models import Alert, Assignment
from apps.core.clock import iso

AN_ID: Final = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
A_UNIT: Final = "01931f6e-0000-7c3a-9a51-0d7a8f4b2c01"
A_SUMMARY: Final = {
    "id": AN_ID,
    "incident": "01931f6e-7f40-7c3a-9a51-0d7a8f4b2c10",
    "cad_number": "26000012345",
    "link_waits": "",
    "unit": "CARE21",
    "entry_kind": "dual_911",
    "source": "cad",
    "state": "en_route",
    "closing": "",
    "needs_ack": False,
    "alarm_level": 0,
    "overridden": False,
    "given_at": "2026-03-04T22:20:31.120000Z",
    "closed_at": None,
    "flags": [],
}
A_FACT: Final = {
    "id": "01931f70-1a2b-7c3a-9a51-0d7a8f4b2c20",
    "event": "on_scene",
    "device_time": "2026-03-04T22:29:40.120Z",
    "data": {},
    "author_name": "R. Ortega",
    "unit": "CARE21",
    "source": "tablet",
    "received_at": "2026-03-04T22:29:41.007Z",
    "flags": [],
    "order": 4711,
}
AN_ALERT: Final = {
    "id": "01931f71-1a2c-7c3a-9a51-0d7a8f4b2c22",
    "kind": "emergency",
    "level": 3,
    "assignment_id": AN_ID,
    "fact_id": "01931f71-1a2b-7c3a-9a51-0d7a8f4b2c21",
    "unit": "CARE21",
    "raised_at": "2026-03-04T22:31:02.410000Z",
    "tapped_at": "2026-03-04T21:51:02.007Z",
    "late_s": 2400,
    "counted": None,
    "acknowledged_by": "Dispatch 2",
    "acknowledged_at": "2026-03-04T22:31:04.311000Z",
    "stopped_at": None,
}


class SummaryOut(serializers.ModelSerializer[Assignment]):
    """One line of a list: codes and times, nothing of the call's text."""

    cad_number = serializers.CharField(source="incident.cad_number", allow_null=True)
    link_waits = serializers.CharField(
        source="link_number", help_text="a CAD event number that a desk is to confirm; empty: none"
    )
    unit = serializers.CharField(source="unit.call_sign")
    needs_ack = serializers.SerializerMethodField()
    overridden = serializers.SerializerMethodField(help_text="given against the rules' verdict")

    class Meta:
        model = Assignment
        fields = (
            *("id", "incident", "cad_number", "link_waits", "unit", "entry_kind", "source"),
            *(
                "state",
                "closing",
                "needs_ack",
                "alarm_level",
                "overridden",
                "given_at",
                "closed_at",
                "flags",
            ),
        )
        read_only_fields = fields

    def get_needs_ack(self, row: Assignment) -> bool:
        return row.alarm_from is not None

    def get_overridden(self, row: Assignment) -> bool:
        return row.override_reason is not None


class AssignmentOut(serializers.Serializer[Any]):
    assignment = serializers.DictField(help_text="the document that tablets get, hazards first")
    timeline = serializers.DictField(help_text="state, times with every telling, durations, flags")
    history = serializers.ListField(
        child=serializers.DictField(), help_text="every fact as told and as it stands now"
    )
    handoff = serializers.DictField(
        help_text="police, fire and CARE over all CARE units of the incident"
    )


class FactOut(serializers.Serializer[Any]):
    """A fact as tablets get it: see the collection `facts`."""

    id = serializers.UUIDField()
    event = serializers.CharField()
    device_time = serializers.CharField(allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]  # a declared field, no property
    author_name = serializers.CharField()
    unit = serializers.CharField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # likewise
    received_at = serializers.CharField()
    flags = serializers.ListField(child=serializers.CharField())
    order = serializers.IntegerField()


class FactIn(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="made by the caller; a repeat is told from a second fact")
    event = serializers.CharField(max_length=24)
    at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="when it happened; now if left out"
    )
    data = serializers.DictField(required=False, default=dict)  # type: ignore[assignment]


class AssignIn(serializers.Serializer[Any]):
    unit = serializers.UUIDField(help_text="a CARE unit in service")
    reason = serializers.CharField(
        max_length=2000,
        required=False,
        allow_blank=True,
        default="",
        help_text="required where the dispatch rules say not eligible or not determined",
    )


class ReassignIn(serializers.Serializer[Any]):
    unit = serializers.UUIDField(help_text="the CARE unit that takes it over")
    reason = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class ReasonIn(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


class LinkIn(serializers.Serializer[Any]):
    cad_number = serializers.CharField(max_length=60)


class AlertOut(serializers.ModelSerializer[Alert]):
    """One alert: codes and times, nothing of the call's text."""

    # Of rows that were read `with_taps`.
    unit = serializers.CharField(source="unit.call_sign", allow_null=True, default=None)
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.display_name", allow_null=True, default=None
    )
    tapped_at = serializers.SerializerMethodField(
        help_text="when it was tapped, by the tablet's clock less its measured offset; null: not "
        "tapped, or not known"
    )
    late_s = serializers.SerializerMethodField(
        help_text="so many seconds after the tap it came; null: at once, or the tablet's clock is "
        "in doubt"
    )
    counted = serializers.DictField(
        allow_null=True, help_text="numbers by name, which differ by kind; null: none"
    )

    class Meta:
        model = Alert
        fields = (
            *("id", "kind", "level", "assignment_id", "fact_id", "unit", "raised_at"),
            *("tapped_at", "late_s", "counted"),
            *("acknowledged_by", "acknowledged_at", "stopped_at"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_tapped_at(self, row: Alert) -> str | None:
        came = arrival(row)
        return iso(came.tapped_at) if came else None

    def get_late_s(self, row: Alert) -> int | None:
        came = arrival(row)
        return int(came.late.total_seconds()) if came and came.late else None
