"""Two who act on one note at the same moment, on connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from django.db import transaction

from apps.assignments.models import Assignment
from apps.assignments.services import let_cleared_go, reassign
from apps.casenotes.content import content_hash
from apps.casenotes.models import EncounterRecord, NoteState, RecordKind
from apps.changes.models import ParkedReaction
from apps.changes.services import lock_key
from apps.core.ids import uuid7
from apps.people.models import Encounter
from apps.sync import documents
from apps.sync.models import QuarantinedWrite
from apps.sync.push import Row
from tests.integration.assignments.conftest import committed_world, shown
from tests.integration.casenotes.conftest import (
    MET,
    Crew,
    Document,
    World,
    Writer,
    after,
    note_on,
    place,
    saves,
)
from tests.integration.conftest import Elsewhere
from tests.pushing import pushed

__all__ = ["committed_world"]


@pytest.fixture
def crew(committed_world: World) -> Crew:
    world = committed_world
    first, second = (Writer(world, tablet) for tablet in world.ours.tablets)
    return Crew(first, second, Writer(world, world.theirs.tablets[0]), world.given())


def record_of(crew: Crew) -> EncounterRecord:
    return EncounterRecord.objects.get(pk=place(crew.call)[0])


def test_a_signature_and_the_end_of_the_call_leave_no_debt(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    """The signature sees an open call, the closing an unsigned note: the second looks again."""
    crew.first.write(crew.call, outcome="cancelled")
    with transaction.atomic():
        assert crew.first.sign(crew.call) == []
        closing = elsewhere.start(
            lambda: committed_world.tap("cancelled", crew.call, now=after(60))
        )
        elsewhere.until_waiting(closing)
    assert closing.result(timeout=60) == []
    assert record_of(crew).kind == RecordKind.MINIMAL


def test_the_end_of_the_call_and_a_signature_leave_no_debt(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    crew.first.write(crew.call, outcome="cancelled")
    with transaction.atomic():
        assert committed_world.tap("cancelled", crew.call, now=after(60)) == []
        signing = elsewhere.start(lambda: crew.first.sign(crew.call, now=after(61)))
        elsewhere.until_waiting(signing)
    assert signing.result(timeout=60) == []
    assert record_of(crew).kind == RecordKind.MINIMAL


def test_two_taps_and_a_note_that_is_begun_meanwhile_are_a_debt(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    """The taps see no note, the note an open call: neither has a row that the other locks."""
    with transaction.atomic():
        assert committed_world.tap("unable_to_locate", crew.call, now=after(60)) == []
        begun = elsewhere.start(lambda: crew.first.write(crew.call, narrative="He was seen."))
        elsewhere.until_waiting(begun)
    assert begun.result(timeout=60) == []
    assert record_of(crew).kind == ""


def test_an_edit_that_meets_the_signature_is_kept_and_changes_nothing(
    crew: Crew, elsewhere: Elsewhere
) -> None:
    crew.first.write(crew.call, outcome="cancelled")
    id = place(crew.call)[1]
    crew.second.believed[id] = dict(crew.first.believed[id])
    with transaction.atomic():
        assert crew.first.sign(crew.call) == []
        edit = elsewhere.start(lambda: crew.second.write(crew.call, narrative="Called back."))
        elsewhere.until_waiting(edit)
    [answer] = edit.result(timeout=60)
    assert answer["sync_status"] == "quarantined"
    row = note_on(crew.call)
    assert row.state == NoteState.SIGNED
    assert "narrative" not in row.signatures.get().content


def test_a_signature_that_meets_an_edit_is_for_the_text_that_came_of_it(
    crew: Crew, elsewhere: Elsewhere
) -> None:
    crew.first.write(crew.call, outcome="cancelled")
    id = place(crew.call)[1]
    crew.second.believed[id] = dict(crew.first.believed[id])
    named = content_hash(crew.first.believed[id])
    with transaction.atomic():
        assert crew.second.write(crew.call, narrative="Called back.") == []
        signing = elsewhere.start(lambda: crew.first.sign(crew.call, named=named))
        elsewhere.until_waiting(signing)
    [answer] = signing.result(timeout=60)
    assert "Not the text" in answer["sync_errors"][0]
    assert note_on(crew.call).state == NoteState.DRAFT


def test_a_note_that_is_begun_while_its_call_leaves_leaves_with_it(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    """But for its author, who owes it."""
    crew.met(committed_world)
    crew.cleared(committed_world, now=after(60))
    with transaction.atomic():
        assert crew.first.write(crew.call, narrative="Asleep.", now=after(9_999)) == []
        leaving = elsewhere.start(lambda: let_cleared_go(now=after(10_000)))
        elsewhere.until_waiting(leaving)
    assert leaving.result(timeout=60) == 1
    note = note_on(crew.call).pk
    assert note in shown(crew.first.tablet, "case_notes")
    assert note not in shown(crew.second.tablet, "case_notes")


def given_to_others(world: World, crew: Crew) -> Assignment:
    to, by = world.theirs.unit, world.supervisor
    return reassign(assignment=crew.call, to=to, by=by, reason="x", now=after(60))


def dose(crew: Crew) -> list[Document]:
    """Somebody was given one on the call."""
    given = crew.second.fact(now=after(70), assignment_id=str(crew.call.pk), drug="naloxone")
    return crew.second.push("naloxone_doses", given, now=after(70))


def met(crew: Crew, ordinal: int, *, on: Assignment | None = None, **told: Any) -> Document:
    """An encounter of the call (theirs, if none is named), as it is saved."""
    call = on or crew.call
    of = {"id": str(place(call, ordinal)[0]), "assignment_id": str(call.pk)}
    editor = {"editor": str(crew.first.tablet.instance), "edit_no": next(saves)}
    return {**of, "ordinal": ordinal, **told, **editor}


def name_somebody(crew: Crew) -> list[Document]:
    """Who else was met on the call is written down."""
    before = crew.first.believed[str(place(crew.call, 2)[0])]
    named = met(crew, 2, person_id=str(uuid7()), match="possible")
    return crew.first.push("encounters", named, base=before)


class TestNobodyWaitsForWhoWaitsForThem:
    """Whatever is done on one call, in whatever way it shows the rest anew: it takes the same locks
    in the same order. Each of these was two that waited for each other, and a reaction was parked.
    """

    @pytest.fixture
    def both(self, committed_world: World, crew: Crew, elsewhere: Elsewhere) -> Callable[..., None]:
        """Does the one, and the other once it has begun: somebody is still at an encounter."""
        crew.met(committed_world)
        crew.first.push("encounters", met(crew, 2))
        crew.first.write(crew.call, **MET)
        crew.second.believed |= crew.first.believed

        last = Encounter.objects.order_by("assignment_id", "-ordinal").distinct("assignment_id")

        def do(*acts: Callable[[], Any], refused: int = 0) -> None:
            begun: list[Future[Any]] = []
            with transaction.atomic():
                documents.lock("encounters", last.values_list("pk", flat=True))
                for act in acts:
                    begun.append(elsewhere.start(act))
                    elsewhere.until_waiting(begun[-1], len(begun))
            for one in begun:
                one.result(timeout=60)
            assert QuarantinedWrite.objects.count() == refused
            assert list(ParkedReaction.objects.values_list("reaction", flat=True)) == []

        return do

    def test_another_unit_that_is_given_the_call_and_a_name(
        self, committed_world: World, crew: Crew, both: Any
    ) -> None:
        """The call has left when the name comes."""
        give, name = lambda: given_to_others(committed_world, crew), lambda: name_somebody(crew)
        both(give, name, refused=1)

    def test_the_end_of_two_calls_and_who_was_met_on_them(
        self, committed_world: World, crew: Crew, both: Any
    ) -> None:
        """Each names the two in another order."""
        world, calls = committed_world, [crew.call, committed_world.given()]
        first, last = sorted(calls, key=lambda call: lock_key(call.pk))
        world.tap("contact_made", first)
        world.tap("contact_made", last)
        told = {"now": after(60), "data": {"disposition": "18"}}
        ends = [world.document("cleared", call, **told) for call in (last, first)]
        named = [met(crew, 2, on=call) for call in (first, last)]
        rows = [Row(one["id"], one, None) for one in named]
        of = {"commits": world.commit, "now": after(60)}
        both(
            lambda: world.push(*ends, now=after(60)),
            lambda: pushed(crew.first.tablet, "encounters", rows, **of),
        )

    def test_a_signature_and_a_dose(self, committed_world: World, crew: Crew, both: Any) -> None:
        crew.cleared(committed_world, now=after(60))
        both(lambda: crew.first.sign(crew.call, now=after(61)), lambda: dose(crew))

    def test_a_name_and_a_dose(self, committed_world: World, crew: Crew, both: Any) -> None:
        crew.cleared(committed_world, now=after(60))
        both(lambda: name_somebody(crew), lambda: dose(crew))

    def test_a_tap_with_a_signature_and_another_unit(
        self, committed_world: World, crew: Crew, both: Any
    ) -> None:
        tap = committed_world.document("en_route", crew.call, now=after(60))
        id = place(crew.call)[1]
        hash = content_hash(crew.first.believed[id])
        sign = crew.first.fact(kind="note_signature", note_id=id, content_hash=hash, now=after(60))
        both(
            lambda: committed_world.push(sign, tap, now=after(60)),
            lambda: given_to_others(committed_world, crew),
        )
