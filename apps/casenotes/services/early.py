"""Signatures that came before the text they are for.

A tablet pushes its collections independently: a signature may overtake the save that it signs. It
is refused then, and lies in quarantine with its reason; when the text is here, it is taken by
itself, under its author.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from apps.casenotes.content import content_hash
from apps.casenotes.documents import NOTE_SIGNATURE
from apps.casenotes.models import CaseNote
from apps.sync.models import QuarantinedWrite
from apps.sync.services.applying import apply_again
from apps.sync.values import uuid_of

# More are left to the tick: nobody waits for them.
MOST_AT_ONCE: Final = 200


def take_early_signatures(
    *, now: datetime, note_id: UUID | None = None, instance: UUID | None = None
) -> int:
    """Takes the refused signatures (of one note and one local database, or of all) whose text is
    here now; returns how many. One that is still not right stays where it is. Not part of anybody's
    transaction."""
    rows = QuarantinedWrite.objects.open().filter(collection="facts").exclude(author=None)
    if instance is not None:
        rows = rows.filter(instance=instance)
    # All are looked at: behind a few hundred that nobody ever settles the next would wait for ever.
    fitting = (row for row in rows.order_by("at").iterator() if _fits(row, note_id))
    return sum(apply_again(write=row, now=now) for row in list(islice(fitting, MOST_AT_ONCE)))


def _fits(row: QuarantinedWrite, note_id: UUID | None) -> bool:
    """Whether it signs the text that its note has now."""
    told = row.content
    named = uuid_of(told.get("note_id"))
    if told.get("kind") != NOTE_SIGNATURE or named is None or note_id not in {None, named}:
        return False
    note = CaseNote.objects.filter(pk=named).first()
    if note is None:
        return False
    held = note.signed_hash or content_hash(note.content)
    return bool(told.get("content_hash") == held)
