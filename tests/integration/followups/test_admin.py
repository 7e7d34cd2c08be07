"""Supervisors in the admin: plans, follow-ups, what was agreed; and who sees none of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.followups.models import (
    FollowUp,
    FollowUpAgreement,
    FollowUpEvent,
    FollowUpPlan,
    MissingAgreement,
)
from apps.followups.services.plans import load_plans
from tests.factories import person
from tests.integration.followups.conftest import NOON, Met, dana, world
from tests.integration.followups.test_planning import agrees, cleared, contact, made, reason, says

__all__ = ["dana", "world"]

pytestmark = pytest.mark.django_db

PLACE = "Under the viaduct at Dearborn"


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the clock that pages look at."""

    def be(now: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: now)

    be(NOON)
    return be


@pytest.fixture
def desk(dana: Met, at_noon: Callable[[datetime], None]) -> Client:
    load_plans(by=SYSTEM, now=NOON)
    return signed_in(dana.world.supervisor)


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def followed(dana: Met, desk: Client) -> FollowUp:
    """Three follow-ups of Dana; this one is due a day after noon."""
    contact(dana)
    agrees(dana)
    cleared(dana)
    row = FollowUp.objects.get(item="check_24h")
    row.content = {**row.content, "find": [{"place": PLACE, "hours": "late", "who": "Marcus"}]}
    row.save(update_fields=["content"])
    return row


def read(desk: Client, page: str) -> str:
    answer = desk.get(f"/admin/followups/{page}")
    assert answer.status_code == 200, (page, answer.status_code)
    return answer.content.decode()


def listed(desk: Client, query: str = "") -> set[str]:
    """The follow-ups that a list shows, by item."""
    text = read(desk, f"followup/?{query}")
    return {row.item for row in FollowUp.objects.all() if f"{row.pk}/change" in text}


def do(desk: Client, row: FollowUp, act: str, **given: Any) -> str:
    """An act on one follow-up, from its page."""
    body = {"apply": "1", "_selected_action": str(row.pk), "action": act, **given}
    answer = desk.post(f"/admin/followups/followup/{row.pk}/do/{act}/", body, follow=True)
    assert answer.status_code == 200
    row.refresh_from_db()
    return answer.content.decode()


def offered(desk: Client, row: FollowUp) -> set[str]:
    """The acts that its page offers."""
    page = read(desk, f"followup/{row.pk}/change/")
    return set(re.findall(rf"{row.pk}/do/(\w+)/", page))


def local(at: datetime) -> str:
    return f"{at.astimezone(clock.city()):%Y-%m-%dT%H:%M}"


class TestWhatIsOffered:
    def test_is_what_can_be_done_with_one_as_it_stands(
        self, desk: Client, followed: FollowUp
    ) -> None:
        assert "resume" not in offered(desk, followed)
        assert {"record_try", "pause", "end"} <= offered(desk, followed)
        do(desk, followed, "pause", reason="jail")
        assert {"resume", "end"} <= offered(desk, followed)
        assert not {"pause", "acknowledge", "snooze"} & offered(desk, followed)
        do(desk, followed, "end", outcome="withdrawn", note="Moved away.")
        assert offered(desk, followed) == {"record_try", "take_back"}


class TestLists:
    def test_what_is_not_ended_is_due_overdue_or_paused(
        self, dana: Met, desk: Client, followed: FollowUp, at_noon: Callable[[datetime], None]
    ) -> None:
        assert listed(desk) == {"check_24h", "check_72h", "check_7d"}
        assert listed(desk, "shown=due") == set()
        at_noon(NOON + timedelta(hours=30))
        assert listed(desk, "shown=due") == {"check_24h"}
        at_noon(NOON + timedelta(hours=40))
        assert listed(desk, "shown=overdue") == {"check_24h"}
        assert "4 h 0 min" in read(desk, "followup/?shown=overdue")
        assert listed(desk, "owner=nobody") == {"check_24h", "check_72h", "check_7d"}
        assert listed(desk, "owner=me") == set()
        assert listed(desk, f"team={dana.world.team.pk}") == listed(desk)
        assert listed(desk, "shown=ended") == set()

    def test_what_nobody_saw_to_is_missed_with_its_age(
        self, desk: Client, followed: FollowUp, at_noon: Callable[[datetime], None]
    ) -> None:
        FollowUp.objects.filter(pk=followed.pk).update(level=3)
        at_noon(followed.due_until + timedelta(hours=50))
        assert listed(desk, "shown=missed") == {"check_24h"}
        assert "50 h 0 min" in read(desk, "followup/?shown=missed")

    def test_show_neither_names_nor_places_and_are_audited(
        self, desk: Client, followed: FollowUp
    ) -> None:
        text = read(desk, "followup/")
        assert "Dana" not in text
        assert PLACE not in text
        seen = Entry.objects.filter(action="read", subject_type="follow_up").latest("at")
        assert followed.pk in seen.subject_ids


class TestTheStory:
    def test_says_why_when_where_and_what_happened(
        self, dana: Met, desk: Client, followed: FollowUp
    ) -> None:
        dana.tells("attempted", followed, result="left_word", note="Marcus will tell them.")
        text = read(desk, f"followup/{followed.pk}/change/")
        for told in ("See how they are", "2026-first, check_24h", "Dana Reyes", PLACE, "Marcus"):
            assert told in text
        assert "Tried: Left word with somebody who knows them" in text
        assert "The person agrees" in text
        entry = Entry.objects.filter(action="read", subject_type="follow_up").latest("at")
        assert entry.subject_ids == [followed.pk]

    @pytest.mark.parametrize("role", [Role.DISPATCHER, Role.ADMINISTRATOR, Role.RESPONDER])
    def test_is_for_supervisors_alone(self, followed: FollowUp, role: str) -> None:
        other = signed_in(person(role))
        pages = ("followup/", f"followup/{followed.pk}/change/", "followupplan/")
        more = ("followupagreement/", "missingagreement/", f"followup/{followed.pk}/do/end/")
        plan = FollowUpPlan.objects.get()
        for page in (*pages, *more, f"followupplan/{plan.pk}/preview/"):
            assert other.get(f"/admin/followups/{page}").status_code in {302, 403, 404}, page

    def test_and_of_the_team_alone(self, followed: FollowUp) -> None:
        other = signed_in(person(Role.SUPERVISOR))
        assert listed(other) == set()
        assert other.get(f"/admin/followups/followup/{followed.pk}/change/").status_code == 302
        act = f"/admin/followups/followup/{followed.pk}/do/end/"
        assert other.post(act, {"apply": "1", "note": "x"}).status_code == 404


class TestActs:
    def test_a_try_by_telephone(self, dana: Met, desk: Client, followed: FollowUp) -> None:
        given = {"result": "left_word", "way": "phone", "note": "Their sister will say so."}
        again = NOON + timedelta(days=2)
        do(desk, followed, "record_try", **given, next_from=local(again))
        assert (followed.tries, followed.due_from, followed.occasion) == (1, again, 2)
        event = FollowUpEvent.objects.get()
        assert event.author == dana.world.supervisor
        assert event.content["note"] == "Their sister will say so."
        assert Entry.objects.filter(action="record", subject_type="follow_up").exists()

    def test_one_that_reached_them_ends_it_and_can_be_taken_back(
        self, desk: Client, followed: FollowUp
    ) -> None:
        do(desk, followed, "record_try", result="reached", way="phone")
        assert followed.outcome == "reached"
        event = FollowUpEvent.objects.get()
        text = do(desk, followed, "take_back", event=str(event.pk), note="It was somebody else.")
        assert followed.outcome is None
        assert "taken back" in text

    def test_taking_handing_over_and_giving_back(
        self, dana: Met, desk: Client, followed: FollowUp
    ) -> None:
        colleague = dana.world.ours.people[1]
        do(desk, followed, "hand_over", to=str(colleague.pk), note="She knows Dana.")
        assert followed.owner == colleague
        assert colleague.display_name in read(desk, f"followup/{followed.pk}/change/")
        do(desk, followed, "give_back")
        assert followed.owner is None
        stranger = person()
        assert "valid choice" in do(desk, followed, "hand_over", to=str(stranger.pk))

    def test_acknowledging_snoozing_and_moving(
        self, desk: Client, followed: FollowUp, at_noon: Callable[[datetime], None]
    ) -> None:
        at_noon(NOON + timedelta(hours=25))
        do(desk, followed, "acknowledge")
        assert followed.acknowledged_at == NOON + timedelta(hours=25)
        do(desk, followed, "snooze", until=local(NOON + timedelta(hours=28)))
        assert followed.due_from == NOON + timedelta(hours=28)
        day = NOON + timedelta(days=3)
        do(desk, followed, "move", due_from=local(day), note="In court until then.")
        assert followed.due_from == day
        assert "A time to come" in do(desk, followed, "move", due_from=local(NOON), note="x")

    def test_resting_and_going_on(self, desk: Client, followed: FollowUp) -> None:
        do(desk, followed, "pause", reason="jail", note="King County, says the sister.")
        assert set(FollowUp.objects.values_list("paused_for", flat=True)) == {"jail"}
        do(desk, followed, "resume")
        assert set(FollowUp.objects.values_list("state", flat=True)) == {"open"}

    def test_ending_by_hand_says_why_and_is_no_second_time(
        self, desk: Client, followed: FollowUp
    ) -> None:
        assert "This field is required" in do(desk, followed, "end", outcome="withdrawn")
        do(desk, followed, "end", outcome="withdrawn", note="Moved to Tacoma.")
        assert followed.outcome == "withdrawn"
        assert "It has ended" in do(desk, followed, "acknowledge")

    def test_many_at_once_from_the_list(self, dana: Met, desk: Client, followed: FollowUp) -> None:
        rows = [str(row.pk) for row in FollowUp.objects.all()]
        body = {"action": "hand_over", "_selected_action": rows, "apply": "1"}
        body |= {"to": str(dana.world.supervisor.pk)}
        desk.post("/admin/followups/followup/", body)
        owners = FollowUp.objects.values_list("owner", flat=True)
        assert set(owners) == {dana.world.supervisor.pk}

    def test_nothing_is_done_by_looking(self, desk: Client, followed: FollowUp) -> None:
        answer = desk.get(f"/admin/followups/followup/{followed.pk}/do/acknowledge/")
        assert answer.status_code == 200
        assert not FollowUpEvent.objects.exists()
        assert desk.get(f"/admin/followups/followup/{followed.pk}/do/delete/").status_code == 404


class TestAgreements:
    def test_are_read_with_what_was_said(self, dana: Met, desk: Client) -> None:
        says(dana, "refused", words="Leave me be.")
        row = FollowUpAgreement.objects.get()
        assert "Leave me be." not in read(desk, "followupagreement/")
        assert "Leave me be." in read(desk, f"followupagreement/{row.pk}/change/")
        assert Entry.objects.filter(action="read", subject_type="follow_up_agreement").count() == 2

    def test_where_nobody_asked_it_is_written_down(self, dana: Met, desk: Client) -> None:
        contact(dana)
        cleared(dana)
        [row] = MissingAgreement.objects.open()
        assert "check_24h, check_72h, check_7d" in read(desk, "missingagreement/")
        body = {"_selected_action": [str(row.pk)], "apply": "1"}
        answer = {"action": "said", "basis": "agreed", "words": "By telephone, yes."}
        desk.post("/admin/followups/missingagreement/", {**body, **answer})
        assert len(made(dana)) == 3
        assert str(row) not in read(desk, "missingagreement/")
        assert FollowUpAgreement.objects.get().author == dana.world.supervisor

    def test_a_clinicians_reason_has_words_and_an_end(
        self, dana: Met, desk: Client, at_noon: Callable[[datetime], None]
    ) -> None:
        at_noon(NOON + timedelta(hours=1))
        contact(dana)
        says(dana, "refused")
        cleared(dana)
        body = {"_selected_action": [str(dana.encounter)], "apply": "1", "action": "write_reason"}
        page = "/admin/people/encounter/"
        late = f"{NOON + timedelta(days=200):%Y-%m-%d}"
        told = desk.post(page, {**body, "reason": "Danger to life.", "ends_on": late})
        assert "within 90 days" in told.content.decode()
        assert made(dana) == []
        soon = f"{NOON + timedelta(days=10):%Y-%m-%d}"
        desk.post(page, {**body, "reason": "Danger to life.", "ends_on": soon})
        assert len(made(dana)) == 3
        dana.world.commit()
        page = f"followup/{FollowUp.objects.latest('pk').pk}/change/"
        assert "Danger to life." in read(desk, page)

    def test_is_a_supervisors_alone(self, dana: Met, desk: Client) -> None:
        told = {"reason": "Danger to life.", "ends_on": "2026-03-09"}
        [answer] = says(dana, "clinician", **told)
        assert answer["sync_status"] == "quarantined"
        assert not FollowUpAgreement.objects.exists()
        reason(dana, until=(NOON + timedelta(days=5)).date())
        assert FollowUpAgreement.objects.get().basis == "clinician"
