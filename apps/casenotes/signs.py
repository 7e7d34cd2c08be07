"""What a note says of its encounter, in codes: for rules of other rooms (`people.signs`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from apps.casenotes.content import cssrs, grave
from apps.casenotes.models import CaseNote, Signature

_SEEN: Final = ("barriers", "mental_status")


def note_signs(encounters: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """Outcome and risk of each encounter that has a note: of the draft, or of what was signed. Of
    several notes the oldest counts. Nothing of the fields of a mandated report.

    Where it is signed also `signed`: `disposition` (APCO), `death` (its part is open) and, unless
    only its authors may read the note, `barriers` and `mental_status`."""
    rows = CaseNote.objects.filter(encounter_id__in=list(encounters)).order_by("begun_at", "pk")
    notes: dict[UUID, CaseNote] = {}
    for row in rows:
        notes.setdefault(row.encounter_id, row)
    signed = _signed([one.pk for one in notes.values() if one.content is None])
    return {
        encounter: _signs(note.content)
        if note.content is not None
        else _of_signed(signed.get(note.pk, {}), restricted=note.restricted)
        for encounter, note in notes.items()
    }


def _signed(notes: Collection[UUID]) -> dict[UUID, Mapping[str, Any]]:
    rows = Signature.objects.filter(note_id__in=list(notes)).order_by("received_at", "pk")
    found: dict[UUID, Mapping[str, Any]] = {}
    for row in rows:
        if row.note_id not in found:
            found[row.note_id] = row.content
    return found


def _of_signed(content: Mapping[str, Any], *, restricted: bool) -> dict[str, Any]:
    disposition = content.get("disposition")
    seen = {} if restricted else {name: _codes(content.get(name)) for name in _SEEN}
    return {
        **_signs(content),
        "signed": {
            "disposition": disposition if isinstance(disposition, str) else "",
            "death": grave.is_open(content, "death"),
            **seen,
        },
    }


def _codes(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _signs(content: Mapping[str, Any]) -> dict[str, Any]:
    outcome, screen = content.get("outcome"), content.get("screen")
    return {
        "outcome": outcome if isinstance(outcome, str) else "",
        "risk": cssrs.risk(screen) if isinstance(screen, Mapping) else "",
    }
