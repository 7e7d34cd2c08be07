"""Two who act on one note at the same moment, on connections of their own."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.assignments.services import let_cleared_go
from apps.casenotes.content import content_hash
from apps.casenotes.models import DispatchRecord, NoteState, RecordKind
from tests.integration.assignments.conftest import committed_world, shown
from tests.integration.casenotes.conftest import Crew, World, Writer, after, note_on, place
from tests.integration.conftest import Elsewhere

__all__ = ["committed_world"]


@pytest.fixture
def crew(committed_world: World) -> Crew:
    world = committed_world
    first, second = (Writer(world, tablet) for tablet in world.ours.tablets)
    return Crew(first, second, Writer(world, world.theirs.tablets[0]), world.given())


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
    assert DispatchRecord.objects.get(pk=crew.call.pk).kind == RecordKind.MINIMAL


def test_the_end_of_the_call_and_a_signature_leave_no_debt(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    crew.first.write(crew.call, outcome="cancelled")
    with transaction.atomic():
        assert committed_world.tap("cancelled", crew.call, now=after(60)) == []
        signing = elsewhere.start(lambda: crew.first.sign(crew.call, now=after(61)))
        elsewhere.until_waiting(signing)
    assert signing.result(timeout=60) == []
    assert DispatchRecord.objects.get(pk=crew.call.pk).kind == RecordKind.MINIMAL


def test_two_taps_and_a_note_that_is_begun_meanwhile_are_a_debt(
    committed_world: World, crew: Crew, elsewhere: Elsewhere
) -> None:
    """The taps see no note, the note an open call: neither has a row that the other locks."""
    with transaction.atomic():
        assert committed_world.tap("unable_to_locate", crew.call, now=after(60)) == []
        begun = elsewhere.start(lambda: crew.first.write(crew.call, narrative="He was seen."))
        elsewhere.until_waiting(begun)
    assert begun.result(timeout=60) == []
    assert DispatchRecord.objects.get(pk=crew.call.pk).kind == ""


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
