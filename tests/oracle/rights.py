"""Who may hold what, worked out by brute force: from what supervisors did this day, and from what
became of each document. No table that the feed keeps of scopes, holders or items is asked, so that
a mistake there is noticed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

import orjson

from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.sync.models import Conflict, QuarantinedWrite, TakenWrite, Version
from tests.oracle.words import is_uuid

EVERYONE = "everyone"


class Shown(NamedTuple):
    """A document and who may see it: these people, and the team where `team` is. Not `sure`: it may
    as well be withdrawn."""

    collection: str
    id: str
    people: frozenset[UUID] = frozenset()
    team: bool = True
    everyone: bool = False
    sure: bool = True


@dataclass(frozen=True)
class Holdings:
    """Documents as (collection, id): what must be there, and what may."""

    must: frozenset[tuple[str, str]]
    may: frozenset[tuple[str, str]]


@dataclass
class Rights:
    """`team`: who is granted the team's. `hands`: who is signed in on each tablet, `ever`: and who
    has been. `notes`: what the server has written, with its collection, and whose it is: a
    person's, the team's (None) or everyone's."""

    team: set[UUID] = field(default_factory=set)
    hands: dict[UUID, UUID | None] = field(default_factory=dict)
    notes: dict[UUID, tuple[str, UUID | str | None]] = field(default_factory=dict)
    ever: dict[UUID, set[UUID]] = field(default_factory=dict)

    def sign_in(self, tablet: UUID, user: UUID) -> None:
        self.hands[tablet] = user
        self.ever.setdefault(tablet, set()).add(user)

    def copy(self) -> Rights:
        """As it is now, for a server that will be put back to this moment."""
        return replace(self, team=set(self.team), hands=dict(self.hands), notes=dict(self.notes))

    def holdings(self, user: UUID | None, documents: Iterable[Shown]) -> Holdings:
        """What a local database in these hands holds once it was in contact."""
        seen = [
            one
            for one in documents
            if user is not None
            and (one.everyone or user in one.people or (one.team and user in self.team))
        ]
        return Holdings(
            must=frozenset((one.collection, one.id) for one in seen if one.sure),
            may=frozenset((one.collection, one.id) for one in seen),
        )

    def documents(self, ids: Iterable[str], tablets: Iterable[UUID]) -> list[Shown]:
        """Every document that there is of a day: of these that somebody has begun, and what came of
        them; and what the server wrote."""
        begun = [UUID(id) for id in ids if is_uuid(id)]
        return [
            *(
                Shown(
                    collection,
                    str(id),
                    people=frozenset({whose} if isinstance(whose, UUID) else ()),
                    team=whose is None,
                    everyone=whose == EVERYONE,
                )
                for id, (collection, whose) in self.notes.items()
            ),
            *_pages(begun),
            *_recorded(begun),
            *_refused(begun),
            *_kept(begun, list(tablets)),
        ]


def _pages(begun: list[UUID]) -> Iterable[Shown]:
    """A page is the team's and whose save last changed it. A deleted one is nobody's."""
    saves: dict[UUID, list[Version]] = {}
    kept = Version.objects.filter(collection="pages", doc_id__in=begun).exclude(fate="kept")
    for save in kept.defer("content", "result").order_by("at", "pk"):
        saves.setdefault(save.doc_id, []).append(save)
    revs = dict(
        StoredDocument.objects.filter(collection="pages", doc_id__in=saves).values_list(
            "doc_id", "rev"
        )
    )
    for id, some in saves.items():
        if not any(save.fate == "deleted" for save in some):
            last = next((save for save in some if save.rev == revs[id]), None)
            people = frozenset({last.author_id} if last and last.author_id else ())
            yield Shown("pages", str(id), people)


def _recorded(begun: list[UUID]) -> Iterable[Shown]:
    """What is recorded once is the team's and its author's, for good."""
    taken = set(TakenWrite.objects.filter(doc_id__in=begun).values_list("collection", "doc_id"))
    for row in StoredDocument.objects.filter(collection__in=["marks", "facts"], doc_id__in=begun):
        if (row.collection, row.doc_id) in taken:
            body = orjson.loads(body_of(row.collection, row.doc_id, row.body) or b"{}")
            yield Shown(row.collection, str(row.doc_id), frozenset({UUID(body["author_id"])}))


def _refused(begun: list[UUID]) -> Iterable[Shown]:
    """A refused text under whose id nothing else holds is shown there to its author, until it is
    settled. Where several were refused there, the last word has one of them."""
    found: dict[tuple[str, str], list[QuarantinedWrite]] = {}
    rows = QuarantinedWrite.objects.filter(doc_id__in=list(map(str, begun)), stands_in=True)
    for row in rows.defer("content", "base", "errors"):
        found.setdefault((row.collection, row.doc_id), []).append(row)
    for key, some in found.items():
        settled = [row.acknowledged_at or row.corrected_at or row.applied_at for row in some]
        people = frozenset(row.author_id for row in some if row.author_id)
        sure = len(people) == 1 and not any(settled)
        if sure or not all(settled):
            yield Shown(*key, people=people, team=False, sure=sure)


def _kept(begun: list[UUID], tablets: list[UUID]) -> Iterable[Shown]:
    """What was refused, and what was lost in a conflict, is its author's and the team's to see."""
    refused = QuarantinedWrite.objects.filter(tablet__in=tablets).values_list("pk", "author_id")
    lost = Conflict.objects.filter(doc_id__in=begun).values_list("pk", "author_id")
    for pk, author in (*refused, *lost):
        yield Shown("quarantine", str(pk), frozenset({author} if author else ()))
