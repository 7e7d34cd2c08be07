"""Assignments, facts and alerts in the stock admin: who opens it, what a list shows, what a look
leaves behind."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from apps.accounts.models import Role, User
from apps.assignments.models import Alert, Assignment, Fact
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.dispatch import services as dispatch
from tests.factories import PASSWORD, person
from tests.integration.assignments.conftest import World, after

SECRET = "7TH AVE / JAMES ST"
TYPED = "the knife is in the left pocket"
PAGES = {
    "assignments/assignment": Assignment,
    "assignments/fact": Fact,
    "assignments/alert": Alert,
}


@pytest.fixture
def row(world: World, monkeypatch: pytest.MonkeyPatch) -> Assignment:
    """A call with a caution, and an emergency with a note on it."""
    monkeypatch.setattr(clock, "now", lambda: after(60))
    caution = {"text": TYPED, "severity": "high"}
    row = world.given(address=SECRET, cautions=[caution])
    world.tap("emergency", row, now=after(5), data={"note": TYPED})
    return row


def desk(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("page", PAGES)
def test_lists_show_codes_and_pages_show_the_record(
    world: World, row: Assignment, page: str
) -> None:
    reader = desk(world.supervisor)
    shown = text(reader.get(f"/admin/{page}/"))
    assert "CARE21" in shown
    assert SECRET not in shown
    assert TYPED not in shown


@pytest.mark.parametrize("page", PAGES)
def test_each_look_at_a_record_is_on_record(world: World, row: Assignment, page: str) -> None:
    pk = PAGES[page].objects.order_by("pk").last().pk
    looks = Entry.objects.about(pk).filter(action="read", actor_id=world.supervisor.pk)
    reader = desk(world.supervisor)
    text(reader.get(f"/admin/{page}/{pk}/change/"))
    assert looks.count() == 1
    text(reader.get(f"/admin/{page}/{pk}/change/"))
    assert looks.count() == 2
    text(reader.get(f"/admin/{page}/"))
    assert looks.count() == 3
    entry = looks.order_by("-id")[0]
    assert entry.detail == {}


def test_the_supervisor_finds_who_looked(world: World, row: Assignment) -> None:
    text(desk(world.dispatcher).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    reader = desk(world.supervisor)
    page = text(reader.get(f"/admin/assignments/assignment/{row.pk}/change/"))
    looks = f"/admin/audit/entry/?q={row.pk}"
    assert looks in page
    found = text(reader.get(looks))
    assert world.dispatcher.display_name in found
    assert world.supervisor.display_name in found
    stranger = text(desk(world.dispatcher).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    assert looks not in stranger  # the log is the supervisors'
    assert desk(world.dispatcher).get(looks).status_code == 403


def test_hazards_stand_first_and_times_are_the_citys(world: World, row: Assignment) -> None:
    world.tap("on_scene", row, now=after(30))
    shown = text(desk(world.supervisor).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    assert shown.index("Hazards") < shown.index(TYPED) < shown.index(SECRET)
    assert "12:00:30" in shown  # noon in Seattle
    assert "20:00:30" not in shown


def test_what_was_taken_back_stays_and_says_so(world: World, row: Assignment) -> None:
    tapped = world.document("contact_made", row, now=after(20))
    assert world.push(tapped, now=after(20)) == []
    undo = {"corrects": tapped["id"], "reason": "mis_tap"}
    assert world.tap("corrected", row, now=after(22), data=undo) == []
    shown = text(desk(world.supervisor).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    assert "Contact made (taken back)" in shown


def test_a_device_whose_clock_is_wrong_is_put_right(world: World, row: Assignment) -> None:
    ahead = timedelta(hours=3)
    tap = world.document("on_scene", row, now=after(30) + ahead)
    assert world.push(tap, now=after(31), offset_ms=int(ahead.total_seconds() * 1000)) == []
    shown = text(desk(world.supervisor).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    assert "12:00:30" in shown
    assert "15:00:30" not in shown


def test_the_ledger_names_agencies_and_minutes_and_no_responder(world: World) -> None:
    police = [world.status("Dispatched"), world.status("Dispatched", of="3M21")]
    row = world.given(units=police)
    released = {"agency": "spd", "unit": "3M21", "decided_by": "together", "care_agreed": True}
    world.call(
        number=row.incident.cad_number,
        now=after(60),
        units=[world.status("Dispatched"), world.status("OnScene", of="3M21", at=after(60))],
    )
    world.tap("contact_made", row, now=after(120))
    world.tap("police_released", row, now=after(300), data=released)
    world.tap("cleared", row, now=after(900), data={"disposition": "18"})
    shown = text(desk(world.supervisor).get(f"/admin/assignments/assignment/{row.pk}/change/"))
    ledger = shown[shown.index("Handoff between") :]
    assert "3M21" in ledger
    assert "Police and CARE together" in ledger
    assert "<strong>10 min 0 s</strong>" in ledger
    for responder in world.ours.people:
        assert responder.display_name not in ledger


def test_rows_that_need_a_reason_are_asked_for_again_and_the_others_are_done(
    world: World, row: Assignment
) -> None:
    unfit, second = (
        world.call(units=[], exclusions={"violence": "yes"}, beat="U1") for _ in range(2)
    )
    over = world.call(units=[], event="close")
    reader = desk(world.supervisor)
    url = "/admin/dispatch/incident/"
    form = {
        "action": "assign_unit",
        "_selected_action": [str(unfit.pk), str(second.pk), str(over.pk)],
        "unit": str(world.ours.unit.pk),
        "apply": "1",
    }
    again = text(reader.post(url, form))
    for one in (unfit, second):
        assert f"{one.cad_number}, {one.evaluation['text']}: Say why" in again
        assert f'value="{one.pk}"' in again
    assert f'value="{over.pk}"' not in again  # it cannot be given at all, and that was said
    assert "The incident is closed." in again
    for choice in ("CARE21: on a call", "CARE22: available"):
        assert choice in again
    done = reader.post(url, {**form, "_selected_action": [str(unfit.pk)], "reason": "asked for"})
    assert done.status_code == 302
    assert world.assignment(unfit).override_reason == "asked for"


def test_units_to_choose_say_whether_they_are_free(world: World, row: Assignment) -> None:
    reader = desk(world.supervisor)
    act = {"action": "reassign", "_selected_action": [str(row.pk)]}

    def choices() -> list[str]:
        page = text(reader.post("/admin/assignments/assignment/", act))
        return re.findall(r">(CARE\d+: [\w ]+)</option>", page)

    assert choices() == ["CARE21: on a call", "CARE22: available"]
    dispatch.leave_crew(user=world.theirs.people[0], by=SYSTEM, now=after(10))
    assert choices() == ["CARE21: on a call", "CARE22: no crew"]
    # Whoever has left it has left it, whatever it still has open.
    for one in world.ours.people:
        dispatch.leave_crew(user=one, by=SYSTEM, now=after(20))
    assert choices() == ["CARE21: no crew", "CARE22: no crew"]


def test_a_call_for_help_that_came_late_says_so_in_the_list(world: World, row: Assignment) -> None:
    reader = desk(world.supervisor)
    page = "/admin/assignments/alert/"
    assert "later</strong>" not in text(reader.get(page))
    late = world.document("assist", row, now=after(10))
    world.push(late, now=after(2410))
    unsure = world.document("scene_unsafe", row, now=after(20))
    world.push(unsure, now=after(2420), offset_ms=None)
    shown = text(reader.get(page))
    assert "<strong>came 40 min 0 s later</strong>" in shown
    assert "by a clock in doubt" in shown
    one = Alert.objects.get(fact_id=late["id"])
    assert "<strong>came 40 min 0 s later</strong>" in text(reader.get(f"{page}{one.pk}/change/"))


def test_a_list_of_open_alerts_holds_those_that_wait(world: World, row: Assignment) -> None:
    reader = desk(world.dispatcher)
    waiting = "/admin/assignments/alert/?open=yes"
    assert "1 alert" in text(reader.get(waiting))
    selected = {"action": "acknowledge", "_selected_action": [str(Alert.objects.get().pk)]}
    answered = text(reader.post(waiting, selected, follow=True))
    assert f"acknowledged by {world.dispatcher.display_name}" in answered
    assert "0 alerts" in text(reader.get(waiting))


def test_a_responder_is_not_let_in(world: World, row: Assignment) -> None:
    responder = person(Role.RESPONDER, of=world.team, password=True)
    form = {"username": responder.username, "password": PASSWORD, "next": "/admin/"}
    refused = text(Browser().post("/admin/login/", form))
    assert "Please enter the correct" in refused
    for page in PAGES:
        assert desk(responder).get(f"/admin/{page}/").status_code == 302


def test_an_administrator_sees_no_records(world: World, row: Assignment) -> None:
    administrator = person(Role.ADMINISTRATOR)
    administrator.is_superuser = True
    administrator.save()
    reader = desk(administrator)
    index = text(reader.get("/admin/"))
    for page, model in PAGES.items():
        assert f"/admin/{page}/" not in index
        pk = model.objects.order_by("pk").last().pk
        for url in (f"/admin/{page}/", f"/admin/{page}/{pk}/change/"):
            assert reader.get(url).status_code == 403
    assert not Entry.objects.filter(actor_id=administrator.pk, action="read").exists()


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_a_clock_that_was_never_set_takes_no_page_away(
    world: World, row: Assignment, said: str
) -> None:
    """The city's clock cannot say such an instant."""
    document = world.document("on_scene", row, device_time=said)
    assert world.push(document, now=after(60)) == []
    correction = {"corrects": document["id"], "reason": "wrong_time", "time": said}
    world.tap("corrected", row, data=correction, now=after(60))
    reader = desk(world.supervisor)
    for page in (
        "/admin/assignments/fact/",
        f"/admin/assignments/fact/{document['id']}/change/",
        f"/admin/assignments/assignment/{row.pk}/change/",
        f"/admin/story/assignment/{row.pk}/",
    ):
        assert "On scene" in text(reader.get(page))
