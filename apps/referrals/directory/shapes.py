"""Shapes and examples of the directory's endpoints."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.referrals.directory import codes

A_CAPACITY: Final = {
    "status": "capacity",
    "counted": "beds",
    "total": 40,
    "free": 3,
    "waiting": None,
    "set_at": "2026-03-04T22:40:00.120000Z",
    "valid_until": "2026-03-05T02:40:00.120000Z",
}
A_SERVICE: Final = {
    "id": "5f0f3c52-6a0e-5b0f-8a3a-0c0f6d1f0a01",
    "name": "Night shelter",
    "organization": "Example Harbor Shelter",
    "status": "active",
    "assured_on": "2026-03-01",
    "capacity": A_CAPACITY,
}
A_FULL_HOUSE: Final = {"status": "no-capacity", "total": 40, "free": 0}
SOME_ROOM: Final = {
    "status": "capacity",
    "counted": "beds",
    "total": 40,
    "free": 3,
    "valid_until": "2026-03-05T02:40:00Z",
}


class CapacityOut(serializers.Serializer[Any]):
    """What was told last, valid or not."""

    status = serializers.CharField()
    counted = serializers.CharField()
    total = serializers.IntegerField(allow_null=True)
    free = serializers.IntegerField(allow_null=True)
    waiting = serializers.IntegerField(allow_null=True)
    set_at = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()


class PartnerServiceOut(serializers.Serializer[Any]):
    """A service of the partner, as responders see it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    organization = serializers.CharField()
    status = serializers.CharField()
    assured_on = serializers.DateField(allow_null=True)
    capacity = CapacityOut(allow_null=True)


class CapacityIn(serializers.Serializer[Any]):
    status = serializers.CharField(help_text=f"one of {', '.join(codes.CAPACITY_STATUSES)}")
    counted = serializers.CharField(
        default="beds", help_text=f"one of {', '.join(codes.CAPACITY_UNITS)}"
    )
    total = serializers.IntegerField(min_value=0, allow_null=True, default=None)
    free = serializers.IntegerField(min_value=0, allow_null=True, default=None)
    waiting = serializers.IntegerField(
        min_value=0, allow_null=True, default=None, help_text="on the waiting list"
    )
    valid_until = serializers.DateTimeField(
        allow_null=True, default=None, help_text="at most seven days on; left out: four hours"
    )
