"""Who may hold what, worked out by brute force: from what supervisors did this day, and from what
became of each document. No table that the feed keeps of scopes, holders or items is asked, so that
a mistake there is noticed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple, Self
from uuid import UUID

from django.db.models import Q

from apps.sync.models import Conflict, QuarantinedWrite


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
    has been."""

    team: set[UUID] = field(default_factory=set)
    hands: dict[UUID, UUID | None] = field(default_factory=dict)
    ever: dict[UUID, set[UUID]] = field(default_factory=dict)

    def sign_in(self, tablet: UUID, user: UUID) -> None:
        self.hands[tablet] = user
        self.ever.setdefault(tablet, set()).add(user)

    def copy(self) -> Self:
        """As it is now."""
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{name: copy(value) for name, value in held.items()})

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


def refused(begun: list[UUID], tablets: list[UUID]) -> Iterable[Shown]:
    """A refused text under whose id nothing else holds is shown there to its author, until it is
    settled; also what a tablet tells by itself ("received"), which nobody has typed. Where several
    were refused there, the last word has one of them."""
    found: dict[tuple[str, str], list[QuarantinedWrite]] = {}
    ours = Q(doc_id__in=list(map(str, begun))) | Q(tablet__in=tablets)
    rows = QuarantinedWrite.objects.filter(ours, stands_in=True)
    for row in rows.defer("content", "base", "errors"):
        found.setdefault((row.collection, row.doc_id), []).append(row)
    for key, some in found.items():
        settled = [row.acknowledged_at or row.corrected_at or row.applied_at for row in some]
        people = frozenset(row.author_id for row in some if row.author_id)
        sure = len(people) == 1 and not any(settled)
        if sure or not all(settled):
            yield Shown(*key, people=people, team=False, sure=sure)


def kept_aside(begun: list[UUID], tablets: list[UUID]) -> Iterable[Shown]:
    """What was refused, and what was lost in a conflict, is its author's and the team's to see."""
    refused = QuarantinedWrite.objects.filter(tablet__in=tablets).values_list("pk", "author_id")
    lost = Conflict.objects.filter(doc_id__in=begun).values_list("pk", "author_id")
    for pk, author in (*refused, *lost):
        yield Shown("quarantine", str(pk), frozenset({author} if author else ()))
