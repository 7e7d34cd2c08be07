"""What a tablet holds of an encounter, for pages that it makes by itself, offline.

Each room registers which of its documents are an encounter's. Whoever asks online is answered from
the documents that their tablet holds, by the functions that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import orjson
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef

from apps.changes.models import Grant, Member, StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import EVERYONE
from apps.people.documents import ENCOUNTERS, PERSONS
from apps.people.models import Encounter, Person

Ids = Callable[[Encounter], Iterable[UUID]]

_ids: list[tuple[str, Ids]] = []


def register_held(collection: str, ids: Ids) -> None:
    """Makes known which documents of a collection are an encounter's: a function to their ids."""
    _ids.append((collection, ids))


def held_of(
    encounter: Encounter, *, by: AbstractBaseUser | AnonymousUser
) -> dict[str, list[dict[str, Any]]]:
    """The documents of an encounter that somebody may see, as their tablet holds them. One that
    cannot be opened is not among them."""
    wanted: dict[str, set[UUID]] = {
        "assignments": {encounter.assignment_id},
        ENCOUNTERS: {encounter.pk},
        PERSONS: set(_persons(encounter.person_id)),
    }
    for collection, ids in _ids:
        wanted.setdefault(collection, set()).update(ids(encounter))
    return {name: _documents(name, ids, by) for name, ids in wanted.items()}


def _persons(id: UUID | None) -> Iterable[UUID]:
    """A person, and those whom they are said to be the same as, to the last."""
    seen: set[UUID] = set()
    while id is not None and id not in seen:
        seen.add(id)
        id = Person.objects.filter(pk=id).values_list("merged_into", flat=True).first()
    return seen


def _documents(
    collection: str, ids: Iterable[UUID], by: AbstractBaseUser | AnonymousUser
) -> list[dict[str, Any]]:
    granted = Grant.objects.filter(principal__in=[by.pk, EVERYONE]).values("scope")
    member = Member.objects.filter(
        collection=collection, doc_id=OuterRef("doc_id"), scope__in=granted
    )
    rows = StoredDocument.objects.filter(collection=collection, doc_id__in=list(ids))
    found = []
    for row in rows.filter(Exists(member)).order_by("doc_id"):
        plain = body_of(collection, row.doc_id, bytes(row.body))
        if plain is not None:
            found.append(orjson.loads(plain))
    return found
