"""What the endpoints of records take and give: serializers, and one example of each."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.sync.models import Choice, Conflict, QuarantinedWrite
from apps.sync.services import quarantine

_A = "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11"
_B = "01931f70-1a2b-7c3a-9a51-0d7a8f4b2c20"
_C = "01931f71-1a2b-7c3a-9a51-0d7a8f4b2c21"
_AT = "2026-03-04T22:31:02.007000Z"


class _Signed(serializers.Serializer[Any]):
    """Who and where, by the names that colleagues know."""

    author = serializers.CharField(source="author.display_name", default=None, allow_null=True)
    tablet = serializers.CharField(source="tablet.label", default=None, allow_null=True)
    at = serializers.DateTimeField(help_text="when it came to the server")


class VersionOut(_Signed):
    id = serializers.UUIDField()
    collection = serializers.CharField()
    document = serializers.UUIDField(source="doc_id")
    rev = serializers.IntegerField(help_text="the document's revision from then on")
    fate = serializers.CharField(
        help_text="new, applied, merged, same, kept (never held), restored, deleted"
    )
    editor = serializers.UUIDField(allow_null=True)
    edit_no = serializers.IntegerField(allow_null=True)
    content = serializers.DictField(help_text="as it was sent")
    result = serializers.DictField(
        allow_null=True, help_text="what held then, where that was something else"
    )


class ConflictOut(_Signed):
    id = serializers.UUIDField()
    collection = serializers.CharField()
    document = serializers.UUIDField(source="doc_id")
    version = serializers.UUIDField(help_text="the save whose words were kept")
    # DRF's own attribute of that name is not used on what is only written out.
    fields = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]
    won = serializers.DictField(help_text="what stood in these fields then")
    kept = serializers.DictField(help_text="what its author wrote there")
    status = serializers.SerializerMethodField()
    settled_by = serializers.CharField(
        source="settled_by.display_name", default=None, allow_null=True
    )
    settled_at = serializers.DateTimeField(allow_null=True)

    def get_status(self, row: Conflict) -> str:
        """open, stays or kept."""
        return row.choice or "open"


class QuarantinedOut(_Signed):
    """A refused row without what was typed."""

    id = serializers.UUIDField()
    collection = serializers.CharField()
    document = serializers.CharField(source="doc_id", help_text="as it was sent, even if no UUID")
    status = serializers.SerializerMethodField()
    problems = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()),
        source="errors",
        help_text="JSON Pointers into the document, and what to mend there",
    )

    def get_status(self, row: QuarantinedWrite) -> str:
        """open, corrected, applied or acknowledged."""
        return quarantine.status_of(row)


class QuarantinedContentOut(QuarantinedOut):
    editor = serializers.UUIDField(allow_null=True)
    edit_no = serializers.IntegerField(allow_null=True)
    content = serializers.DictField(help_text="what was typed, whole")
    base = serializers.DictField(allow_null=True, help_text="what it was typed on")


class SettleIn(serializers.Serializer[Any]):
    choice = serializers.ChoiceField(choices=Choice.choices)


class ApplyIn(serializers.Serializer[Any]):
    document = serializers.DictField(
        required=False, help_text="the whole document, corrected; left out: as it was typed"
    )
    author = serializers.UUIDField(
        required=False, help_text="who typed it, where nobody knows; supervisors only"
    )


A_DOCUMENT = {"id": _A, "text": "Sleeps in the park behind the library."}
A_VERSION: dict[str, Any] = {
    "author": "A. Rivera",
    "tablet": "CARE-21 left",
    "at": _AT,
    "id": _B,
    "collection": "case_notes",
    "document": _A,
    "rev": 4,
    "fate": "applied",
    "editor": _C,
    "edit_no": 23,
    "content": {"text": "Sleeps in the park behind the library."},
    "result": None,
}
A_CONFLICT: dict[str, Any] = {
    "author": "A. Rivera",
    "tablet": "CARE-21 left",
    "at": _AT,
    "id": _C,
    "collection": "case_notes",
    "document": _A,
    "version": _B,
    "fields": ["mood"],
    "won": {"mood": "calm"},
    "kept": {"mood": "tired"},
    "status": "open",
    "settled_by": None,
    "settled_at": None,
}
A_REFUSED: dict[str, Any] = {
    "author": "A. Rivera",
    "tablet": "CARE-21 left",
    "at": _AT,
    "id": _C,
    "collection": "facts",
    "document": _B,
    "status": "open",
    "problems": [{"pointer": "/assignment_id", "detail": "Not an assignment of yours."}],
}
A_REFUSED_WHOLE: dict[str, Any] = {
    **A_REFUSED,
    "editor": _C,
    "edit_no": 23,
    "content": {"id": _B, "kind": "assignment_event", "event": "on_scene"},
    "base": None,
}
