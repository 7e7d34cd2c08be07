"""What people say to follow-ups, as tablets tell it: kept once, and shown with its call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from apps.accounts.models import Role
from apps.accounts.services import user_actor
from apps.assignments.services.alarms import let_cleared_go
from apps.audit.models import Entry
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.followups.models import FollowUpAgreement
from apps.followups.services.agreements import Word, record_agreement
from apps.people.ids import encounter_id
from apps.people.services import let_go
from apps.sync.registry import Refused
from tests.factories import EnrolledTablet, person
from tests.integration.followups.conftest import NOON, Met, dana, dropped, shown, world
from tests.integration.followups.test_planning import CLEARED, cleared, contact, says

__all__ = ["dana", "world"]

pytestmark = pytest.mark.django_db


def on_tablet(tablet: EnrolledTablet) -> dict[UUID, dict[str, Any]]:
    facts = shown(tablet, "facts").items()
    return {id: one for id, one in facts if one["kind"] == "follow_up_agreement"}


def test_a_word_is_shown_to_the_crew_as_it_was_told(dana: Met) -> None:
    assert says(dana, "agreed", ways=["visit"], words="After noon.", said_at=NOON.isoformat()) == []
    row = FollowUpAgreement.objects.get()
    [document] = on_tablet(dana.world.ours.tablets[1]).values()
    told = {"basis": "agreed", "ways": ["visit"], "words": "After noon.", "ends_on": None}
    assert told.items() <= document.items()
    assert document["author_name"] == dana.world.ours.people[0].display_name
    assert (row.said_at, row.flags) == (NOON, [])
    assert row.content == {"ways": ["visit"], "words": "After noon."}
    entry = Entry.objects.get(action="record", subject_type="follow_up_agreement")
    assert entry.subject_ids == [row.pk]
    assert "After noon" not in str(entry.detail)


def test_it_leaves_with_the_call(dana: Met) -> None:
    says(dana, "agreed")
    second = dana.world.ours.tablets[1]
    [fact] = on_tablet(second)
    dana.world.tap("cancelled", dana.assignment, data={"cancelled_by": "dispatch"})
    let_cleared_go(now=NOON + timedelta(days=1))
    dana.world.commit()
    assert fact in dropped(second, "facts")


def test_it_leaves_whoever_told_it_too_once_the_record_is_written(dana: Met) -> None:
    says(dana, "agreed", now=NOON)
    [fact] = on_tablet(dana.tablet)
    cleared(dana)
    let_go(encounter_id=dana.encounter, now=CLEARED)
    let_cleared_go(now=NOON + timedelta(days=1))
    dana.world.commit()
    assert fact in dropped(dana.tablet, "facts")


def test_the_same_again_is_the_same(dana: Met) -> None:
    fact = {
        "id": str(uuid7()),
        "kind": "follow_up_agreement",
        "assignment_id": str(dana.assignment.pk),
        "encounter_id": str(dana.encounter),
        "basis": "refused",
    }
    for _ in range(2):
        assert dana.push("facts", dict(fact)) == []
    assert FollowUpAgreement.objects.count() == 1


def test_one_that_comes_before_its_call_is_kept(dana: Met) -> None:
    call = uuid7()
    here = {"assignment_id": str(call), "encounter_id": str(encounter_id(call))}
    assert dana.tell("follow_up_agreement", basis="agreed", **here) == []
    assert len(on_tablet(dana.tablet)) == 1
    assert not on_tablet(dana.world.ours.tablets[1])


@pytest.mark.parametrize(
    ("told", "pointer"),
    [
        ({"basis": "perhaps"}, "/basis"),
        ({"basis": None}, "/basis"),
        ({"encounter_id": str(uuid7())}, "/encounter_id"),
        ({"encounter_id": None}, "/encounter_id"),
        ({"assignment_id": "here"}, "/assignment_id"),
    ],
)
def test_what_says_nothing_of_anybody_is_refused(
    dana: Met, told: dict[str, Any], pointer: str
) -> None:
    here = {"assignment_id": str(dana.assignment.pk), "encounter_id": str(dana.encounter)}
    [answer] = dana.tell("follow_up_agreement", **{"basis": "agreed", **here, **told})
    assert answer["sync_status"] == "quarantined"
    assert [one.partition(":")[0] for one in answer["sync_errors"]] == [pointer]


def test_so_is_what_somebody_tells_who_was_not_there(dana: Met) -> None:
    [answer] = says(dana, "agreed", by=dana.world.theirs.tablets[0])
    assert answer["sync_status"] == "quarantined"
    assert not FollowUpAgreement.objects.exists()


def test_a_detail_that_nobody_can_read_refuses_nothing(dana: Met) -> None:
    assert says(dana, "agreed", ends_on="soon", words=7) == []
    row = FollowUpAgreement.objects.get()
    assert (row.flags, row.ends_on) == (["bad_field"], None)
    assert row.unread["words"] == 7


class TestAClinician:
    def word(self, dana: Met, **changed: Any) -> Word:
        told: dict[str, Any] = {
            "id": uuid7(),
            "assignment_id": dana.assignment.pk,
            "encounter_id": dana.encounter,
            "basis": "clinician",
            "said_at": NOON,
            "ends_on": NOON.date() + timedelta(days=7),
            "content": {"reason": "Danger to life."},
        }
        return Word(**{**told, **changed})

    @pytest.mark.parametrize(
        ("changed", "pointer"),
        [
            ({"content": {}}, "/reason"),
            ({"content": {"reason": " "}}, "/reason"),
            ({"ends_on": None}, "/ends_on"),
            ({"ends_on": NOON.date() - timedelta(days=1)}, "/ends_on"),
            ({"ends_on": NOON.date() + timedelta(days=91)}, "/ends_on"),
        ],
    )
    def test_says_why_and_until_when(
        self, dana: Met, changed: dict[str, Any], pointer: str
    ) -> None:
        by = dana.world.supervisor
        with pytest.raises(ProblemError) as told:
            record_agreement(word=self.word(dana, **changed), by=by, actor=user_actor(by), now=NOON)
        assert [one.pointer for one in told.value.errors] == [pointer]

    def test_is_of_the_team(self, dana: Met) -> None:
        by = person(Role.SUPERVISOR)
        with pytest.raises(Refused):
            record_agreement(word=self.word(dana), by=by, actor=user_actor(by), now=NOON)

    def test_cleared_calls_too(self, dana: Met) -> None:
        contact(dana)
        cleared(dana)
        by = dana.world.supervisor
        row = record_agreement(word=self.word(dana), by=by, actor=user_actor(by), now=NOON)
        again = record_agreement(
            word=self.word(dana, id=row.pk), by=by, actor=user_actor(by), now=NOON
        )
        assert again == row
