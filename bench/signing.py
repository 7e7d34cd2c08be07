"""Notes that are written, signed and looked through: steps of `bench.prepare`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from apps.accounts import services as accounts
from apps.accounts.auth import TabletSession
from apps.accounts.models import LocalDatabase, Role, User
from apps.audit.services import SYSTEM
from apps.casenotes.content import content_hash
from apps.casenotes.models import CaseNote, Review, Signature
from apps.core import clock
from apps.core.ids import uuid7
from apps.people.ids import record_id
from apps.people.models import Encounter
from apps.sync import registry
from apps.sync.push import Row, push
from apps.sync.registry import Contact

_ROWS: Final = 50
_TIMES: Final = 200
_PAGE: Final = 100
# As long as they are in the field, in the words of nobody.
NOTE: Final = {
    "outcome": "contact_made",
    "presenting_needs": ["shelter", "person_down"],
    "screen": {"q1": "no", "q2": "no", "q6": "no"},
    "mental_status": ["3519007"],
    "interventions": ["basic_needs", "information"],
    "narrative": "Asleep in the doorway, rousable to voice, drank water. " * 12,
}


def supervisor(call_sign: str) -> dict[str, str]:
    """A supervisor of a unit's team. Answers with them, a responder and the team."""
    author = User.objects.filter(crews__unit__call_sign=call_sign).earliest("pk")
    row = User(
        username="supervisor",
        display_name="S.",
        role=Role.SUPERVISOR,
        team=author.team,
        password="!",
    )
    accounts.save_user(user=row, by=SYSTEM, now=clock.now())
    return {"supervisor": str(row.pk), "author": str(author.pk), "team": str(author.team_id)}


def queue(waiting: int, supervisor: str, **made: str) -> dict[str, float]:
    """The median time of a look at the queue, of which so many wait."""
    notes = CaseNote.objects.order_by("signed_at")[:waiting]
    Review.objects.bulk_create(
        Review(note=note, asked_at=clock.now(), reasons=["sample"]) for note in notes
    )
    user = User.objects.get(pk=supervisor)
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        rows = Review.objects.visible_to(user).waiting().select_related("note", "note__signed_by")
        seen = [row.reasons for row in rows[:_PAGE]]
        times.append(time.perf_counter() - began)
        if len(seen) != min(waiting, _PAGE):
            raise RuntimeError("The queue is of another length.")
    return {"milliseconds": 1000 * median(times)}


def sign(call_sign: str) -> dict[str, float]:
    """Writes and signs a note on every encounter. Seconds for the saves, and for the signatures."""
    store = LocalDatabase.objects.filter(
        tablet__sign_ins__user__crews__unit__call_sign=call_sign
    ).earliest("pk")
    user = User.objects.get(sign_ins__tablet=store.tablet)
    contact = Contact(TabletSession(store.tablet, user), store.pk, 0, 50)
    notes = [_note(encounter) for encounter in Encounter.objects.order_by("pk")]
    saving = _push("case_notes", notes, contact)
    signatures = [
        {
            "id": str(uuid7()),
            "kind": "note_signature",
            "note_id": note["id"],
            "content_hash": content_hash(note),
        }
        for note in notes
    ]
    signing = _push("facts", signatures, contact)
    return {"saving": saving, "signing": signing, "signed": Signature.objects.count()}


def _note(encounter: Encounter) -> dict[str, Any]:
    return {
        "id": str(record_id(encounter.pk, "case_note")),
        "encounter_id": str(encounter.pk),
        "assignment_id": str(encounter.assignment_id),
        **NOTE,
    }


def _push(name: str, documents: list[dict[str, Any]], contact: Contact) -> float:
    collection = registry.get(name)
    assert collection is not None
    began = time.perf_counter()
    for number, batch in enumerate(_batches(documents)):
        rows = [
            Row(one["id"], {**one, "editor": str(contact.instance), "edit_no": edit}, None)
            for edit, one in enumerate(batch, 1 + number * _ROWS)
        ]
        push(collection=collection, contact=contact, rows=rows, now=clock.now())
    return time.perf_counter() - began


def _batches(documents: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(documents), _ROWS):
        yield documents[start : start + _ROWS]
