"""Persons: written by tablets, shown to whoever has a call that leads to them, and to nobody else.

Who sees a person follows from the encounters with them, and with those merged into them. Two calls
that come and go at once would each reckon without the other; so whoever shows a person takes the
lock of its document first, and reads the encounters after that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.assignments.models import Assignment
from apps.audit.services import Act, Actor, record_all
from apps.changes import scopes
from apps.changes.services import Document, publish
from apps.core import clock
from apps.core.crypto import blind_index
from apps.people import codes, documents, matching, safety, schemas
from apps.people.access import audience
from apps.people.ages import day_of
from apps.people.documents import PERSONS
from apps.people.leads import scopes_leading
from apps.people.models import BrokenGlass, Encounter, Person, PersonKey
from apps.sync import documents as shared
from apps.sync.fitting import fit
from apps.sync.registry import Edit

_PURPOSE: Final = "person"
# Whoever shares a key is opened and compared: common names have many.
_MOST_COMPARED: Final = 50
_MOST_OFFERED: Final = 5
# A tick that finds more leaves them to the next one.
_LARGEST_TICK: Final = 200
# Codes by field, for the flag of one that is not known.
_CODED: Final = {"sex": codes.SEXES, "housing": codes.HOUSING}
# And by the list in whose items they stand.
_CODED_IN: Final = {
    "safety_notes": {"source": codes.SAFETY_SOURCES},
    "contacts": {"kind": codes.CONTACT_KINDS},
}
_OF_NOTES: Final = frozenset({"no_source", "no_date"})


def write_person(edit: Edit) -> dict[str, Any]:
    """Stores a whole person as somebody typed it and publishes it; the body that it published. For
    the handler of a push, which holds its document's lock."""
    typed, apart = fit(edit.document, schemas.person(photos=settings.PERSON_PHOTOS))
    row = Person.objects.filter(pk=edit.doc_id).first()
    fresh = row is None
    if row is None:
        row = Person(id=edit.doc_id, created_at=edit.now, created_by=edit.author.pk)
    row.content = typed
    row.flags = _flags(typed, apart, withheld=edit.withheld)
    follow_notes(row)
    row.editor, row.edit_no = edit.editor, edit.edit_no
    row.save()
    _index(row)
    matches = matches_of(row)
    body = documents.person_body(row, matches)
    publish(documents=[Document(PERSONS, row.pk, scopes_of(row), body)], now=edit.now)
    act = Act(edit.actor, "create" if fresh else "update", "person", [row.pk])
    record_all([act, *_offers(row, matches, edit.actor)], now=edit.now)
    return body


def follow_notes(row: Person) -> None:
    """Brings what the row itself says of its safety notes to what they are now: whether one is to
    be looked at, when the first one is over, what they lack. One that was ended counts no more. The
    caller saves it."""
    held = [one for one in safety.notes(row.content, row.safety_reviews) if not one.ended]
    row.safety_unread = any(one.review is None for one in held)
    row.safety_until = min((one.last_day for one in held if one.last_day), default=None)
    lacking = {"no_source" for one in held if not one.note.get("source")}
    lacking |= {"no_date" for one in held if day_of(one.note.get("seen_on")) is None}
    row.flags = sorted({*row.flags} - _OF_NOTES | lacking)


def show_person(*, person_id: UUID, now: datetime) -> None:
    """Shows a person, and those merged with them, to whoever may see them now. Part of the caller's
    transaction. Nothing for somebody who is not here yet."""
    group = lock_group(person_id)
    rows = Person.objects.filter(pk__in=group).order_by("pk")
    seen_by = [Document(PERSONS, row.pk, scopes_of(row, group)) for row in rows]
    publish(documents=seen_by, now=now)


def scopes_of(row: Person, group: Collection[UUID] | None = None) -> frozenset[str]:
    """Who may see a person: the crew of each call that led to them as long as they have it, its
    supervisors, whoever broke the glass, and whom what other rooms know leads to them (`leads`).
    Where no call leads to them, the supervisors of whoever wrote of them; for a while they too, so
    that they can name them on a call (`let_unlinked_go`). `group`: who are the same, if known.

    A call that is not here yet leads nowhere: anybody may name one, and whoever wrote of the person
    offline would lose them until it comes."""
    group = group or group_of(row.pk)
    found: set[str] = set()
    encounters = dict(Encounter.objects.with_person(group).values_list("pk", "assignment_id"))
    found |= scopes_leading(encounters)
    named = set(encounters.values())
    calls = set(Assignment.objects.filter(pk__in=named).values_list("pk", flat=True))
    for assignment_id in calls:
        found |= audience(assignment_id)
    if not calls:
        if row.let_go_at is None:
            found.add(scopes.responder(row.created_by))
        team = User.objects.filter(pk=row.created_by).values_list("team", flat=True).first()
        found |= {scopes.team(team)} if team else set()
    glass = BrokenGlass.objects.filter(person__in=group, closed_at=None)
    found |= {scopes.responder(user) for user in glass.values_list("user", flat=True)}
    return frozenset(found)


def let_unlinked_go(*, now: datetime) -> int:
    """Takes persons away from whoever wrote of them, where no call has led to them since
    (UNLINKED_PERSON_HOURS). Returns how many were decided, a tick's worth at most."""
    before = now - clock.domain(settings.UNLINKED_PERSON_HOURS * 3600)
    due = Person.objects.kept_since(before).values_list("pk", flat=True)
    return sum(_let_go(pk, now) for pk in list(due[:_LARGEST_TICK]))


@transaction.atomic
def _let_go(person_id: UUID, now: datetime) -> bool:
    """Each person in a transaction of their own.

    1. Two ticks find the same one, or a tablet writes of them meanwhile.
    2. All take the lock of the document before the row's: one goes on, the others wait.
    3. Whoever comes second finds them let go already, and does nothing.
    """
    lock_group(person_id)
    if not Person.objects.filter(pk=person_id, let_go_at=None).update(let_go_at=now):
        return False
    show_person(person_id=person_id, now=now)
    return True


def group_of(person_id: UUID) -> set[UUID]:
    """A person with all who are the same: whom they were merged into, and who into those."""
    return {person_id, *families_of([person_id])}


def lock_group(*person_ids: UUID) -> set[UUID]:
    """Makes everybody else who shows, writes or merges these persons wait, or any who are the same;
    all of them. Who is the same is asked again under the locks: a merge that went before has made
    them more, and each of them has to be shown anew."""
    locked: set[UUID] = set()
    while more := set[UUID]().union(*map(group_of, person_ids)) - locked:
        shared.lock(PERSONS, more)
        locked |= more
    return locked


def matches_of(row: Person) -> list[dict[str, Any]]:
    """Who a person may be besides, the likeliest first: {person_id, name, aliases, birth_year,
    score}."""
    return [one.offered() for one in alike(row.content, but=group_of(row.pk))]


def offer_matches(*, person: Person, by: Actor, now: datetime) -> list[dict[str, Any]]:
    """`matches_of` for somebody who looks at a person: whose names they are shown is written
    down."""
    found = matches_of(person)
    record_all(_offers(person, found, by), now=now)
    return found


def _offers(row: Person, matches: Sequence[Mapping[str, Any]], by: Actor) -> list[Act]:
    offered = [UUID(one["person_id"]) for one in matches]
    return [Act(by, "offer", "person", offered, {"to": str(row.pk)})] if offered else []


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who may be meant. `row` is the record to go on with; `found`, the one that is alike,
    is that, or was merged into it. `score` says how alike, from 0 to 1."""

    row: Person
    found: Person
    score: float

    def offered(self) -> dict[str, Any]:
        """`offer`, under what they were found by as well."""
        told = offer(self.row, self.score)
        if self.found != self.row:
            by = offer(self.found)
            names = [name for name in (by["name"], *by["aliases"]) if name and name != told["name"]]
            told["aliases"] = list(dict.fromkeys([*told["aliases"], *names]))
        return told


def alike(content: Mapping[str, Any], *, but: Collection[UUID] = ()) -> list[Alike]:
    """Persons who may be meant by this, the likeliest first: each once, however many of their
    records are alike."""
    wanted = [_hash(key) for key in matching.wanted(content)]
    if not wanted:
        return []
    found = (
        Person.objects.filter(
            Exists(PersonKey.objects.filter(person=OuterRef("pk"), key__in=wanted))
        )
        .exclude(pk__in=but)
        .order_by("-created_at")[:_MOST_COMPARED]
    )
    scored = [(matching.likeness(content, other.content), other) for other in found]
    worth = [one for one in scored if one[0] >= matching.WORTH_A_LOOK]
    roots = families_of([other.pk for _, other in worth])
    best: dict[UUID, tuple[float, Person]] = {}
    for score, other in sorted(worth, key=lambda one: -one[0]):
        best.setdefault(roots[other.pk], (score, other))
    offered = list(best.items())[:_MOST_OFFERED]
    rows = Person.objects.in_bulk([root for root, _ in offered])
    return [Alike(rows[root], other, score) for root, (score, other) in offered]


def offer(row: Person, score: float | None = None) -> dict[str, Any]:
    """What may be said of somebody to ask whether it is they: no more than it takes."""
    content: Mapping[str, Any] = row.content
    name = " ".join(filter(None, (content.get("given_name"), content.get("family_name"))))
    return {
        "person_id": str(row.pk),
        "name": name,
        "aliases": matching.aliases(content),
        "birth_year": matching.birth_year(content),
        "score": score,
    }


def _index(row: Person) -> None:
    """The keys of what is known of them now."""
    now = {_hash(key) for key in matching.keys(row.content)}
    before = {bytes(one.key): one.pk for one in PersonKey.objects.filter(person=row)}
    PersonKey.objects.filter(pk__in=[pk for key, pk in before.items() if key not in now]).delete()
    fresh = [PersonKey(person=row, key=key) for key in sorted(now - before.keys())]
    PersonKey.objects.bulk_create(fresh)


def _hash(key: str) -> bytes:
    return blind_index(key, purpose=_PURPOSE)


def families_of(persons: Collection[UUID]) -> dict[UUID, UUID]:
    """Each of these persons, and everybody who is the same as one of them, with the record to go on
    with: `group_of` for many at once. Nobody who is not here is in it."""
    into: dict[UUID, UUID | None] = {}
    fresh = set(persons)
    while fresh:
        into |= dict(Person.objects.filter(pk__in=fresh).values_list("pk", "merged_into"))
        fresh = {one for one in into.values() if one is not None} - into.keys()
    fresh = set(into)
    while fresh:
        below = dict(Person.objects.filter(merged_into__in=fresh).values_list("pk", "merged_into"))
        fresh = below.keys() - into.keys()
        into |= below
    return {one: _root_in(into, one) for one in into}


def _root_in(into: Mapping[UUID, UUID | None], person_id: UUID) -> UUID:
    while (further := into.get(person_id)) is not None:
        person_id = further
    return person_id


def _flags(typed: dict[str, Any], apart: dict[str, Any], *, withheld: bool) -> list[str]:
    found = {"bad_field"} if apart else set()
    if withheld:
        found.add("not_recorded")
    if not _known(typed, _CODED) or not all(
        _known(item, coded) for name, coded in _CODED_IN.items() for item in typed.get(name) or ()
    ):
        found.add("unknown_code")
    return sorted(found)


def _known(said: Mapping[str, Any], coded: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether every code in it is one that this version knows."""
    return all(said[name] in known for name, known in coded.items() if said.get(name))
