"""What tablets see of notes, and how they write, sign and add to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apps.accounts.services import tablet_actor
from apps.casenotes import schemas, services
from apps.casenotes.codes import CODE_LISTS
from apps.casenotes.content import POLICIES
from apps.casenotes.content.lists import REFERENCE_LISTS
from apps.casenotes.documents import NOTE_ADDENDUM, NOTE_POLICY, NOTE_SIGNATURE
from apps.casenotes.models import CaseNote
from apps.casenotes.parts import addendum_ids, note_ids, note_part
from apps.casenotes.records import CASE_NOTES, lock_notes
from apps.casenotes.services.policies import load_policies, policy_documents
from apps.casenotes.signs import note_signs
from apps.core.problems import FieldError
from apps.dispatch.codelists import CodeList, register_code_list, retire_code_list
from apps.dispatch.referencekinds import ReferenceKind, register_reference_kind
from apps.dispatch.shipped import register_shipped
from apps.people.held import register_held
from apps.people.parts import register_part
from apps.people.signs import register_signs
from apps.people.sync import OF_CALL
from apps.sync.parents import register_parent
from apps.sync.registry import (
    Collection,
    Contact,
    Merging,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.stamps import STAMPED, Reading, stamp_of
from apps.sync.values import uuid_of

_OF_SIGNATURE: Final = STAMPED | {"note_id", "content_hash"}
_OF_ADDENDUM: Final = STAMPED | {"note_id", "text", "changes", "quarantined"}


def push_signature(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes a signature, or refuses it with what is missing."""
    named = row.document.get("content_hash")
    if not isinstance(named, str):
        raise Refused([FieldError("/content_hash", "Which text is signed?")])
    telling = _telling(row, contact, Reading(_beyond(row, _OF_SIGNATURE)))
    services.sign(telling=telling, named=named, now=now)
    return None


def push_addendum(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes an addendum. What it brings along that cannot be used is kept and flagged."""
    document, reading = row.document, Reading(_beyond(row, _OF_ADDENDUM))
    text, changes = document.get("text"), document.get("changes")
    if not isinstance(text, str | None):
        raise Refused([FieldError("/text", "Words, please.")])
    if not isinstance(changes, Mapping | None):
        reading.bad("changes", changes)
        changes = None
    quarantined = uuid_of(document.get("quarantined"))
    if quarantined is None and document.get("quarantined") is not None:
        reading.bad("quarantined", document["quarantined"])
    services.add(
        telling=_telling(row, contact, reading),
        text=text or "",
        changes=changes,
        quarantined=quarantined,
        now=now,
    )
    return None


def lock(rows: Sequence[Pushed]) -> None:
    """The notes that these facts are of."""
    lock_notes({id for row in rows if (id := uuid_of(row.document.get("note_id")))})


def _telling(row: Pushed, contact: Contact, reading: Reading) -> services.Telling:
    note_id = _note_id(row)
    stamp = stamp_of(row, contact, reading)
    user = contact.session.user
    assert user is not None, "the edge lets nobody through who is not signed in"
    return services.Telling(
        id=row.doc_id,
        note_id=note_id,
        author=user,
        actor=tablet_actor(contact.session.tablet, user),
        stamp=stamp,
        unread=reading.unread or None,
        flags=tuple(sorted(reading.flags)),
    )


def _note_id(row: Pushed) -> UUID:
    note_id = uuid_of(row.document.get("note_id"))
    if note_id is None:
        raise Refused([FieldError("/note_id", "Of which note?")])
    return note_id


def _beyond(row: Pushed, known: frozenset[str]) -> dict[str, Any]:
    """What was sent and has no column."""
    return {name: value for name, value in row.document.items() if name not in known}


register_parent("case_note", CaseNote)
register(
    Collection(
        name=CASE_NOTES,
        kind="merged",
        audience="tablet",
        schema=schemas.CASE_NOTE,
        merging=Merging(write=services.write_draft, policies=POLICIES),
        audit_as="case_note",
        parents=OF_CALL,
    )
)
_OF_NOTE: Final = {"note_id": "case_note"}
register_fact_kind(
    NOTE_SIGNATURE,
    schema=schemas.SIGNATURE,
    push=push_signature,
    lock=lock,
    parents=_OF_NOTE,
    needs=_OF_NOTE,
)
register_fact_kind(
    NOTE_ADDENDUM, schema=schemas.ADDENDUM, push=push_addendum, lock=lock, parents=_OF_NOTE
)
for codes in (*(CodeList(one.name, one.source, one.items) for one in CODE_LISTS), *REFERENCE_LISTS):
    register_code_list(codes)
# What these told is in the policies, with who confirmed it.
for retired in ("note_screen_protocol", "note_legal_intervals"):
    retire_code_list(retired)
register_shipped("note policies", load_policies)
register_reference_kind(ReferenceKind(NOTE_POLICY, schemas.POLICY, policy_documents))
register_part("note", note_part)
register_held(CASE_NOTES, note_ids)
register_held("facts", addendum_ids)
register_signs("note", note_signs)
