"""The collections, their handlers, and the verbs that publish into them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from apps.accounts.models import Role, Team, User
from apps.changes import scopes
from apps.changes.services import EVERYONE_SCOPE, Document, publish
from apps.core.ids import uuid7
from apps.core.problems import FieldError
from apps.sync import policies, registry
from apps.sync.media.naming import media_fields
from apps.sync.registry import Collection, Contact, Edit, Merging, Pushed, Refused
from tests.factories import NOON

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "text": {"type": "string"},
        "author_id": {"type": "string", "readOnly": True},
        "photos": {"type": ["array", "null"], "items": {"type": "string"}},
    },
}


def mark(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Publishes what was pushed to the responder and the team. Its text can ask for trouble."""
    text = row.document.get("text")
    user = contact.session.user
    assert user is not None
    assert user.team_id is not None
    match text:
        case "refuse":
            raise Refused([FieldError("/text", "Not this one.")])
        case "by a supervisor" if user.role != Role.SUPERVISOR:
            raise Refused([FieldError("/text", "Not by you, or not yet.")])
        case "break":
            raise RuntimeError("a fault of the handler")
        case "integrity":
            raise IntegrityError("constraint")
        case "deferred":
            # Fails at COMMIT, where no savepoint has a say.
            with connection.cursor() as cursor:
                cursor.execute(
                    "insert into accounts_tablettoken (id, token_hash, made_at, tablet_id) "
                    "values (%s, %s, now(), %s)",
                    [row.doc_id, row.doc_id.bytes, row.doc_id],
                )
    stored = {**row.document, "author_id": str(user.pk)}
    if text == "change":
        stored["text"] = "changed"
    audience = {scopes.responder(user.pk), scopes.team(user.team_id)}
    if text == "too late":  # its case has left the tablets
        audience = {scopes.team(uuid7())}
    publish(documents=[Document(row.collection, row.doc_id, frozenset(audience), stored)], now=now)
    return stored if text == "change" else None


NOTES = Collection("notes", "pull_only", "both", SCHEMA, audit_as="note")
MARKS = Collection(
    "marks",
    "append_only",
    "tablet",
    SCHEMA,
    push=mark,
    audit_as="mark",
    media=media_fields("photos"),
)
SIGNS = Collection("signs", "pull_only", "tablet", SCHEMA, shared=True)


FIRST_PAGE_SCHEMA: dict[str, Any] = {
    **SCHEMA,
    "properties": {
        **SCHEMA["properties"],
        "editor": {"type": ["string", "null"]},
        "edit_no": {"type": ["integer", "null"]},
        "title": {"type": ["string", "null"]},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "log": {"type": ["array", "null"]},
        "number": {"type": ["number", "null"]},
        "place": {
            "type": ["object", "null"],
            "properties": {"street": {"type": "string"}},
            "additionalProperties": False,
        },
        "people": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "team": {"type": "string", "readOnly": True},
    },
}


def _next_page_schema() -> dict[str, Any]:
    """The second version: pages have a mood, places a floor, people a role."""
    schema: dict[str, Any] = deepcopy(FIRST_PAGE_SCHEMA)
    known = schema["properties"]
    known["mood"] = {"type": ["string", "null"]}
    known["place"]["properties"]["floor"] = {"type": "integer"}
    known["people"]["items"]["properties"]["role"] = {"type": "string"}
    return schema


PAGE_SCHEMA = _next_page_schema()


def write_page(edit: Edit) -> dict[str, Any]:
    """Publishes a page to its author and the team. Its title can ask for trouble."""
    title = edit.document.get("title")
    if title == "refuse":
        raise Refused([FieldError("/title", "Not this one.")])
    if title == "by a supervisor" and edit.author.role != Role.SUPERVISOR:
        raise Refused([FieldError("/title", "Not by you, or not yet.")])
    if title == "break":
        raise RuntimeError("a fault of the handler")
    if title == "overtaken":  # somebody writes it without its lock
        withdraw(edit.doc_id, collection=edit.collection)
    stored = edit.body(team=str(edit.author.team_id))
    if title == "change":
        stored["title"] = "changed"
    assert edit.author.team_id is not None
    audience = {scopes.responder(edit.author.pk), scopes.team(edit.author.team_id)}
    if title == "too late":  # its case has left the tablets
        audience = {scopes.team(uuid7())}
    document = Document(edit.collection, edit.doc_id, frozenset(audience), stored)
    publish(documents=[document], now=edit.now)
    if title == "overtaken":
        publish(documents=[document], now=edit.now)
    return stored


def delete_page(edit: Edit) -> None:
    withdraw(edit.doc_id, collection=edit.collection)


PAGES = Collection(
    "pages",
    "merged",
    "tablet",
    PAGE_SCHEMA,
    merging=Merging(
        write=write_page,
        policies={"text": policies.text, "tags": policies.union, "log": policies.append_only},
        delete=delete_page,
    ),
    audit_as="page",
    version=2,
    earlier={1: FIRST_PAGE_SCHEMA},
    media=media_fields("photos"),
)

COLLECTIONS = (NOTES, MARKS, SIGNS, PAGES)


def install() -> None:
    for collection in COLLECTIONS:
        registry.register(collection)
    registry.register_fact_kind("probe", schema=SCHEMA, push=mark)


def remove() -> None:
    for collection in COLLECTIONS:
        registry.unregister(collection.name)
    registry.unregister_fact_kind("probe")


def note(
    text: str = "", *, to: User | Team, id: UUID | None = None, collection: str = "notes"
) -> UUID:
    """Publishes one note to a person or a team, and commits."""
    [made] = notes([text], to=to, ids=[id or uuid7()], collection=collection)
    return made


def notes(
    texts: Iterable[str],
    *,
    to: User | Team,
    ids: Iterable[UUID] | None = None,
    collection: str = "notes",
) -> list[UUID]:
    """Publishes many in one commit."""
    scope = scopes.team(to.pk) if isinstance(to, Team) else scopes.responder(to.pk)
    texts = list(texts)
    made = list(ids) if ids is not None else [uuid7() for _ in texts]
    documents = [
        Document(collection, id, frozenset({scope}), {"id": str(id), "text": text})
        for id, text in zip(made, texts, strict=True)
    ]
    with transaction.atomic():
        publish(documents=documents, now=NOON)
    return made


def withdraw(id: UUID, *, collection: str = "notes") -> None:
    """Takes a document away from everybody."""
    with transaction.atomic():
        publish(documents=[Document(collection, id, frozenset())], now=NOON)


def sign(text: str) -> UUID:
    """Publishes reference data for everyone."""
    id = uuid7()
    body = {"id": str(id), "text": text}
    with transaction.atomic():
        publish(
            documents=[Document("signs", id, frozenset({EVERYONE_SCOPE}), body)],
            now=NOON,
        )
    return id
