"""What must be true in the evening of follow-ups.

1. What a person has said, or what became of them, counts for all their follow-ups: after a decline,
   a death, a refusal none of them is open. As far as it is certain who they are, and as nobody has
   said otherwise since, or taken it back.
2. Every end has its reason in what was told.
3. What rests on nobody's word says so; what rests on a word does not. Nobody is followed up by a
   plan without one, and whoever agreed and was met and left is.
4. One that has ended has left the tablets; what is shown is what stands. Whoever has left their
   unit has none, but what they took after that.
5. Nothing is due, and nothing that was due has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from django.db.models import Max
from django.utils import timezone

from apps.assignments.models import Assignment, Fact
from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.dispatch.models import CrewMember
from apps.followups.ids import follow_up_id
from apps.followups.models import ClockAttempt, FollowUp, FollowUpAgreement, FollowUpEvent
from apps.people.models import Encounter, Person
from apps.simulator.tablet.store import Document
from tests.oracle.field.told import root_of

if TYPE_CHECKING:
    from tests.oracle.field.world import FieldWorld

ITEM = "check_24h"  # whoever was met has this line of the plan that comes with the product
_OF_THE_PERSON = frozenset({"declined", "deceased"})
_YES = frozenset({"agreed", "clinician"})


@dataclass
class _Somebody:
    """A person, as far as it is certain who they are: their encounters, with what is told there."""

    encounters: set[UUID] = field(default_factory=set)
    follow_ups: list[FollowUp] = field(default_factory=list)
    events: list[FollowUpEvent] = field(default_factory=list)
    words: list[FollowUpAgreement] = field(default_factory=list)


def wrong(world: FieldWorld) -> list[str]:
    """What is not so, one line each."""
    found = []
    for one in _everybody(world):
        found += [*_person_said(world, one), *_reasons(one), *_rests_on(one), *_planned(one)]
        found += [line for row in one.follow_ups for line in (*_stands(row), *_owned(world, row))]
    due = FollowUp.objects.due(timezone.now()).filter(team=world.team)
    failed = ClockAttempt.objects.filter(follow_up_id__in=world.follow_ups())
    found += [f"the follow-up {row.pk} is due since {row.next_at}" for row in due]
    found += [f"the follow-up {row.pk} was due and failed: {row.error}" for row in failed]
    return found


def _everybody(world: FieldWorld) -> list[_Somebody]:
    rows = list(FollowUp.objects.filter(team=world.team))
    ours = [*world.calls(), *world.typed.uuids]
    encounters = {row.pk: row for row in Encounter.objects.filter(assignment_id__in=ours)}
    persons = {row.pk: row for row in Person.objects.defer("content")}
    found: dict[UUID, _Somebody] = {}

    def of(encounter_id: UUID) -> _Somebody:
        row, key = encounters.get(encounter_id), encounter_id
        if row is not None and row.person_id is not None and row.match == "confirmed":
            key = root_of(row.person_id, persons)
        somebody = found.setdefault(key, _Somebody())
        somebody.encounters.add(encounter_id)
        return somebody

    for encounter_id in encounters:
        of(encounter_id)
    about = {row.pk: of(row.encounter_id) for row in rows}
    for row in rows:
        about[row.pk].follow_ups.append(row)
    for event in FollowUpEvent.objects.filter(follow_up_id__in=about):
        about[event.follow_up_id].events.append(event)
    for word in FollowUpAgreement.objects.filter(assignment_id__in=ours):
        of(word.encounter_id).words.append(word)
    return list(found.values())


def _person_said(world: FieldWorld, one: _Somebody) -> Iterator[str]:
    taken_back = {row.content.get("event_id") for row in one.events if row.event == "withdrawn"}
    for event in one.events:
        end = _ends(event)
        if end not in _OF_THE_PERSON or str(event.pk) in taken_back:
            continue
        for row in one.follow_ups:
            counts = end == "deceased" or row.pk == event.follow_up_id
            if row.state != "ended" and (counts or not _yes_since(world, one, event)):
                yield f"the follow-up {row.pk} is {row.state} though its person {end}: {event.pk}"
    for word in one.words:
        if word.basis == "refused" and not _yes_since(world, one, word):
            for row in one.follow_ups:
                if row.state != "ended":
                    yield f"the follow-up {row.pk} is {row.state} though its person refused"


def _yes_since(world: FieldWorld, one: _Somebody, told: FollowUpEvent | FollowUpAgreement) -> bool:
    """Whether somebody may have said otherwise later, by whichever clock."""
    first = min(_times(world, told))
    return any(word.basis in _YES and max(_times(world, word)) > first for word in one.words)


def _times(world: FieldWorld, told: FollowUpEvent | FollowUpAgreement) -> list[datetime]:
    """All that may be when it was told."""
    said = told.said_at if isinstance(told, FollowUpAgreement) else told.at
    times = (said, told.device_time, told.received_at, world.told_at.get(told.pk))
    return [at for at in times if at is not None]


def _ends(event: FollowUpEvent) -> str:
    name = {"attempted": "result", "ended": "outcome"}.get(event.event, "")
    return str(event.content.get(name) or ("withdrawn" if event.event == "ended" else ""))


def _reasons(one: _Somebody) -> Iterator[str]:
    for row in one.follow_ups:
        if row.outcome is None:
            continue
        own = {_ends(event) for event in one.events if event.follow_up_id == row.pk}
        theirs = {_ends(event) for event in one.events}
        others = [other for other in one.follow_ups if other.pk != row.pk]
        reason = {
            "reached": "reached" in own,
            "declined": "declined" in theirs,
            "deceased": "deceased" in theirs,
            "withdrawn": "withdrawn" in own,
            "not_reached": bool(own & {"not_reached", "left_word", "wrong_place"}),
            "met": "met" in own or len(one.encounters) > 1,
            "merged": any(other.purpose == row.purpose for other in others),
            "no_basis": any(word.basis != "agreed" for word in one.words),
        }
        if not reason[row.outcome]:
            yield f"the follow-up {row.pk} has ended, {row.outcome}, and nobody told so"


def _rests_on(one: _Somebody) -> Iterator[str]:
    for row in one.follow_ups:
        if ("no_basis" in row.flags) != (not one.words):
            yield f"the follow-up {row.pk} rests on {len(one.words)} words, and has {row.flags}"


def _planned(one: _Somebody) -> Iterator[str]:
    """Where all that was ever said, in one encounter, was yes."""
    items = {row.pk for row in one.follow_ups}
    said = {(word.encounter_id, word.assignment_id) for word in one.words}
    if len(said) != 1 or any(word.basis != "agreed" for word in one.words):
        return
    if any(_ends(event) in _OF_THE_PERSON for event in one.events):
        return
    [(encounter, call)] = said
    row = Assignment.objects.filter(pk=call, closing="cleared").first()
    met = Fact.objects.filter(assignment_id=call, event="contact_made").exists()
    here = Encounter.objects.filter(pk=encounter, ordinal=1).exists()
    if row is not None and met and here and follow_up_id(encounter, ITEM) not in items:
        yield f"no plan follows up the encounter {encounter}"


def _stands(row: FollowUp) -> Iterator[str]:
    if row.state == "ended" and row.leaves_at is not None:
        yield f"the follow-up {row.pk} has ended, and has not left"
    stored = StoredDocument.objects.filter(collection="follow_ups", doc_id=row.pk).first()
    body = (stored and body_of("follow_ups", row.pk, stored.body)) or b"{}"
    shown: Document = orjson.loads(body)
    owner = str(row.owner_id) if row.owner_id else None
    stands = {"state": row.state, "outcome": row.outcome, "owner_id": owner, "tries": row.tries}
    stands |= {"occasion": row.occasion, "flags": row.flags}
    if differs := [name for name, value in stands.items() if shown.get(name) != value]:
        yield f"the follow-up {row.pk} is shown otherwise than it stands: {differs}"


def _owned(world: FieldWorld, row: FollowUp) -> Iterator[str]:
    owner = row.owner_id
    if row.state == "ended" or owner is None or owner in world.rights.crew:
        return
    left_at = CrewMember.objects.filter(user=owner).aggregate(Max("until"))["until__max"]
    if left_at is None:
        return  # a supervisor, or somebody who was on no unit
    taken = FollowUpEvent.objects.filter(
        follow_up_id=row.pk, event__in=("taken", "acknowledged"), received_at__gte=left_at
    )
    if not taken.exists():
        yield f"the follow-up {row.pk} is {owner}'s, who has left"
