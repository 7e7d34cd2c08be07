"""Who may hold what of pages, marks, facts, and of what the server writes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.sync.models import TakenWrite, Version
from tests.oracle.rights import Rights, Shown, kept_aside, refused
from tests.oracle.words import is_uuid

EVERYONE = "everyone"


@dataclass
class PagesRights(Rights):
    """`notes`: what the server has written, with its collection, and whose it is: a person's, the
    team's (None) or everyone's."""

    notes: dict[UUID, tuple[str, UUID | str | None]] = field(default_factory=dict)

    def documents(self, ids: Iterable[str]) -> list[Shown]:
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
            *refused(begun, list(self.hands)),
            *kept_aside(begun, list(self.hands)),
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
