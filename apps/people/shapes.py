"""Shapes and examples of the endpoints' requests and answers."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from apps.people import schemas
from apps.people.models import BrokenGlass, Person

A_PERSON: Final[dict[str, Any]] = {
    **schemas.PERSON["examples"][0],
    "merged_into": None,
    "possible_matches": [],
    "safety_reviews": [],
    "flags": [],
}
AN_ENCOUNTER: Final[dict[str, Any]] = schemas.ENCOUNTER["examples"][1]
AN_OFFER: Final = {
    "person_id": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c31",
    "name": "Dana Reyes",
    "aliases": ["Red"],
    "birth_year": 1981,
    "score": 0.93,
}
A_GLASS: Final = {
    "id": "01931f80-1a2b-7c3a-9a51-0d7a8f4b2c41",
    "person": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c31",
    "at": "2026-03-04T22:41:10.020000Z",
    "until": "2026-03-04T23:41:10.020000Z",
}
A_MERGE: Final = {
    "id": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c31",
    "merged_into": "01931f72-1a2b-7c3a-9a51-0d7a8f4b2c39",
    "merged_at": "2026-03-04T22:41:10.020000Z",
}


class SearchIn(serializers.Serializer[Any]):
    """Whom to look for. At least a name, or what they are called by."""

    given_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    family_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    aliases = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=5, required=False
    )
    birth_year = serializers.IntegerField(min_value=1890, max_value=2100, required=False)


class OfferOut(serializers.Serializer[Any]):
    """Somebody who may be meant: no more than it takes to know."""

    person_id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    aliases = serializers.ListField(child=serializers.CharField())
    birth_year = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField(help_text="how alike, from 0 to 1")


class OpenIn(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=2000, help_text="why it has to be seen; a supervisor reads it"
    )


class GlassOut(serializers.ModelSerializer[BrokenGlass]):
    """Until when the person's record is on the responder's tablet."""

    class Meta:
        model = BrokenGlass
        fields = ("id", "person", "at", "until")


class MergeIn(serializers.Serializer[Any]):
    into = serializers.UUIDField(help_text="the person that they are")


class MergeOut(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = ("id", "merged_into", "merged_at")
