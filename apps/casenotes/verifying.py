"""Whether signed notes still say what was signed: what is stored, and what is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from apps.casenotes.content import content_hash, content_of
from apps.casenotes.models import CaseNote, NoteAuthor, NoteState, Signature
from apps.casenotes.records import CASE_NOTES
from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.core.crypto import Undecryptable
from apps.core.ids import short

BATCH = 500


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a signed note. `what` holds nothing of the note."""

    note: UUID
    what: str

    def __str__(self) -> str:
        return f"case note {short(self.note)} ({self.note}): {self.what}"


def check_signed(*, batch: int = BATCH) -> Iterator[Finding | None]:
    """Looks at every signed note, in batches by key; None for each that is as it was signed.

    Each signature's text must hash to what the signer named, all of them to one hash, which the
    note's row names; and what tablets are sent must be that text. Who wrote which fields must be
    the same in all of them, on the note's row and in what is sent.
    """
    last: UUID | None = None
    while True:
        rows = CaseNote.objects.exclude(state=NoteState.DRAFT).order_by("pk")
        page = list((rows.filter(pk__gt=last) if last else rows)[:batch])
        if not page:
            return
        last = page[-1].pk
        signatures: dict[UUID, list[Signature]] = {}
        for one in Signature.objects.filter(note__in=page):
            signatures.setdefault(one.note_id, []).append(one)
        authors: dict[UUID, list[NoteAuthor]] = {}
        for author in NoteAuthor.objects.filter(note__in=page):
            authors.setdefault(author.note_id, []).append(author)
        sent = StoredDocument.objects.filter(
            collection=CASE_NOTES, doc_id__in=[row.pk for row in page]
        )
        bodies = {row.doc_id: bytes(row.body) for row in sent}
        for row in page:
            found = _wrong(
                row, signatures.get(row.pk, []), authors.get(row.pk, []), bodies.get(row.pk)
            )
            yield Finding(row.pk, found) if found else None


def _wrong(
    row: CaseNote, signatures: list[Signature], authors: list[NoteAuthor], body: bytes | None
) -> str:
    if not signatures:
        return "no signature is here"
    for one in signatures:
        try:
            hashed = content_hash(one.content)
        except Undecryptable:
            return "what was signed cannot be opened"
        if not hashed == one.content_hash == row.signed_hash:
            return "what was signed is not what the signature names"
    try:
        wrote = [_parts_by_author(one.authors) for one in signatures]
        held = {str(one.author_id): one.parts for one in authors}
    except Undecryptable:
        return "who wrote it cannot be opened"
    if any(one != held for one in wrote):
        return "its authors are not those that were signed"
    plain = body_of(CASE_NOTES, row.pk, body) if body is not None else None
    if plain is None:
        return "what is sent is missing, or cannot be opened"
    told = orjson.loads(plain)
    if content_hash(content_of(told)) != row.signed_hash:
        return "what is sent is not what was signed"
    if _parts_by_author(told.get("authors")) != held:
        return "the authors that are sent are not those that were signed"
    return ""


def _parts_by_author(authors: Any) -> dict[str, Any]:
    """Which fields are whose: names may be written otherwise than they were."""
    return {one["id"]: one["parts"] for one in authors or ()}
