"""What a note contributes to the picture of an encounter; the handover for whoever is online."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from apps.casenotes import handover
from apps.casenotes.models import Addendum, CaseNote
from apps.casenotes.records import addenda_of, text_of
from apps.people.held import held_of
from apps.people.models import Encounter
from apps.people.parts import rooms


def note_part(encounter_id: UUID) -> dict[str, Any] | None:
    """The note's part of an encounter; None while nobody has begun one."""
    row = CaseNote.objects.of(encounter_id).first()
    if row is None:
        return None
    texts = [one.text for one in addenda_of(row) if one.text]
    return handover.note_in_words(
        text_of(row), state=row.state, hidden=row.restricted, addenda=texts
    )


def handed_over(
    encounter: Encounter, *, by: AbstractBaseUser | AnonymousUser, now: datetime
) -> dict[str, Any]:
    """The handover of what somebody may see of an encounter: what their tablet makes of it too."""
    held = held_of(encounter, by=by)
    return handover.handover(held, encounter.pk, rooms=rooms(), now=now)


def note_ids(encounter: Encounter) -> Iterable[UUID]:
    """The documents of notes on an encounter."""
    return CaseNote.objects.of(encounter.pk).values_list("pk", flat=True)


def addendum_ids(encounter: Encounter) -> Iterable[UUID]:
    """Those of what was added to them."""
    added = Addendum.objects.filter(note_id__in=list(note_ids(encounter)))
    return added.values_list("pk", flat=True)
