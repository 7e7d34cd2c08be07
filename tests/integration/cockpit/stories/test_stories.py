"""What a story tells, in which order, to whom, and what is written down of it."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.assignments.models import Fact
from apps.audit.models import Entry
from apps.casenotes.models import OwedReport
from apps.cockpit.stories import reading, views
from apps.core.ids import uuid7
from apps.people import services as people
from apps.people.ids import encounter_id
from apps.people.models import BrokenGlass, Encounter, Person
from apps.referrals.services.partners import note_agency
from tests.factories import NOON, person, team
from tests.integration.assignments.conftest import World, after
from tests.integration.cockpit.stories.conftest import MINUTE, Told, fill, page, signed_in, write
from tests.integration.firstaid.conftest import Tablets
from tests.integration.followups.conftest import Met, met_elsewhere

pytestmark = pytest.mark.django_db

PAGES = ("person", "encounter", "assignment")
# What happened, in its order; each is of another room, or another verb of it.
STORY = (
    *("Assigned", "Encounter 1", "Acknowledged", "En route", "On scene", "Contact made"),
    *("Police released", "Emergency", "Alert: emergency", "Alert answered: emergency"),
    *("Dose given", "First aid", "Consent, Spoken", "Referral CR-", "Shelter is asked"),
    *("Declines (Pioneer", "The person agrees", "Follow-up: See how they are"),
    *("Tried: See how they are", "Note begun", "Cleared", "Note signed", "Review asked for"),
    *("Addendum", "Message: a follow-up is due"),
)
WORDS = (
    *("Naloxone", "Cold hands.", "Needs a bed tonight.", "Front desk", "Not reached"),
    *("Asleep in the doorway", "She came back.", "Telephone", "B. Okafor", "After noon."),
)


def stories(told: Told) -> dict[str, UUID]:
    return {
        "person": told.dana.person,
        "encounter": told.dana.encounter,
        "assignment": told.assignment,
    }


def moments(text: str) -> list[str]:
    """The moments of a page, each as one line of text."""
    found = re.findall(r'<li class="story-moment">(.*?)\n</li>', text, flags=re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", one)).split()) for one in found]


def read_of(user: User) -> dict[str, set[UUID]]:
    """What the audit log says that somebody has read."""
    found: dict[str, set[UUID]] = {}
    for entry in Entry.objects.filter(action="read", actor_id=user.pk):
        found.setdefault(entry.subject_type, set()).update(entry.subject_ids)
    return found


@pytest.mark.parametrize("of", PAGES)
def test_each_room_tells_in_the_order_of_happening(told: Told, desk: Client, of: str) -> None:
    text = page(desk, of, stories(told)[of])

    story = " | ".join(moments(text))
    places = [story.find(one) for one in STORY]
    assert -1 not in places, STORY[places.index(-1)]
    assert places == sorted(places)
    assert not [one for one in WORDS if one not in story]
    assert '<time datetime="2026-03-04T12:06:40-08:00">12:06:40</time>' in text


def test_what_is_open_stands_first_and_leads_to_where_it_is_done(told: Told, desk: Client) -> None:
    text = page(desk, "person", told.dana.person)

    head = text[: text.index("story-timeline")]
    assert re.search(r'href="/admin/casenotes/review/[^"]+">Review the note', head)
    assert (
        f'href="/admin/followups/followup/{told.follow_up.pk}/change/">Follow-up, overdue' in head
    )
    assert "is open, and nobody is asked" in head
    assert head.index("Follow-up, overdue") < head.index("nobody is asked")


def test_a_report_that_the_law_asks_for_is_among_what_is_open(told: Told, desk: Client) -> None:
    OwedReport(note_id=told.note, due_at=NOON, since=NOON).save()
    text = page(desk, "encounter", told.dana.encounter)
    head = text[: text.index("story-timeline")]
    assert re.search(rf'{told.note}/change/">A report that the law asks for is not made', head)


def test_what_was_told_late_or_by_a_wrong_clock_says_so(world: World, desk: Client) -> None:
    row = world.given()
    world.tap("en_route", row, now=after(3600), device_time=NOON.isoformat())
    world.push(world.document("on_scene", row, now=after(3700)), now=after(3700), offset_ms=600_000)

    _, en_route, on_scene = sorted(moments(page(desk, "assignment", row.pk)), key=_place)

    assert "told late, 2026-03-04 13:00:00" in en_route
    assert "The device's clock was wrong" in on_scene
    assert "told late" in on_scene


def test_what_the_log_asked_is_told_whole(world: World, desk: Client) -> None:
    row, tablets = world.given(), Tablets(world)
    told = {"kind": "overdose_answer", "now": after(60)}
    at = {"called_at": after(30).isoformat()}
    tablets.log("facts", row, **told, question="fire_called", answer="called", **at)
    witness = {"witness": "Engine 2, Kim", "note": "Signed nothing."}
    tablets.log("facts", row, **told, question="handover", answer="refused", **witness)

    text = " | ".join(moments(page(desk, "assignment", row.pk)))

    assert "called at 2026-03-04 12:00:30" in text
    assert "witness Engine 2, Kim" in text
    assert "note Signed nothing." in text


def _place(moment: str) -> int:
    return next(n for n, name in enumerate(("Assigned", "En route", "On scene")) if name in moment)


def test_every_record_that_was_shown_is_written_down(told: Told, desk: Client) -> None:
    page(desk, "person", told.dana.person)

    read = read_of(told.world.supervisor)
    assert told.dana.person in read["person"]
    assert told.dana.encounter in read["encounter"]
    assert told.note in read["case_note"]
    assert told.dose in read["naloxone_dose"]
    assert told.aid in read["first_aid_log"]
    assert {told.task.referral_id} == read["referral"]
    assert {told.task.pk} == read["referral_task"]
    assert {told.consent.pk} == read["consent"]
    assert {told.follow_up.pk} == read["follow_up"]
    assert {told.alert.pk} == read["alert"]
    assert set(Fact.objects.values_list("pk", flat=True)) == read["fact"]


@pytest.mark.parametrize("of", PAGES)
def test_each_page_writes_down_whose_story_it_was(told: Told, desk: Client, of: str) -> None:
    id = stories(told)[of]

    page(desk, of, id)

    assert id in read_of(told.world.supervisor)[of]


@pytest.mark.parametrize("of", PAGES)
def test_a_refused_look_shows_nothing_and_writes_nothing(told: Told, of: str) -> None:
    stranger = person(Role.SUPERVISOR, of=team())
    before = Entry.objects.count()

    answer = signed_in(stranger).get(f"/admin/story/{of}/{stories(told)[of]}/")
    nobody = Client().get(f"/admin/story/{of}/{stories(told)[of]}/")
    missing = signed_in(told.world.supervisor).get(f"/admin/story/{of}/{uuid7()}/")

    assert (answer.status_code, nobody.status_code, missing.status_code) == (404, 302, 404)
    assert b"Dana" not in answer.content
    assert Entry.objects.filter(action="read").count() == 0
    assert Entry.objects.count() == before


def test_the_dispatch_desk_reads_the_call_and_nothing_of_the_person(told: Told) -> None:
    dispatcher = told.world.dispatcher
    client = signed_in(dispatcher)

    text = page(client, "assignment", told.assignment)

    assert "Contact made" in text
    assert "Alert answered: emergency" in text
    shown = [one for one in (*WORDS, "The person agrees", "CR-", "encounter") if one in text]
    assert shown == []
    assert set(read_of(dispatcher)) == {"assignment", "fact", "alert"}
    for of in ("person", "encounter"):
        answer = client.get(f"/admin/story/{of}/{stories(told)[of]}/")
        assert answer.status_code == 403


def test_a_role_reads_only_what_it_has_a_page_for(told: Told) -> None:
    """Where nobody oversees who broke the glass, the whole desk is named as who may see it."""
    dispatcher = told.world.dispatcher
    alone = person(Role.DISPATCHER)
    row = Person.objects.get(pk=told.dana.person)
    actor = user_actor(alone)
    people.break_glass(person=row, reason="Fell.", by=alone, actor=actor, now=after(2000))
    told.world.commit()

    assert BrokenGlass.objects.visible_to(dispatcher).exists()
    assert not reading.seen(BrokenGlass.objects.all(), dispatcher).exists()


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR])
def test_who_keeps_accounts_reads_no_story(told: Told, role: str) -> None:
    client = signed_in(person(role))

    for of, id in stories(told).items():
        assert client.get(f"/admin/story/{of}/{id}/").status_code == 403


def test_of_a_person_whom_two_teams_met_each_reads_its_own(told: Told, world: World) -> None:
    """Their supervisor sees the person, by the other team's call; of ours not a word."""
    other = team()
    theirs = person(Role.SUPERVISOR, of=other)
    unit = world.theirs.unit
    unit.team = other
    unit.save()
    elsewhere = met_elsewhere(told.dana, person=told.dana.person, now=after(4000))
    people.show_person(person_id=told.dana.person, now=after(4000))
    world.commit()

    text = page(signed_in(theirs), "person", told.dana.person)

    story = " ".join(moments(text))
    assert str(elsewhere.encounter)[-8:] in text
    assert [one for one in (*WORDS, "Dose given", "Police released") if one in story] == []
    assert told.note not in read_of(theirs).get("case_note", set())
    assert told.dana.encounter not in read_of(theirs)["encounter"]


def test_what_a_protected_programme_told_stays_on_its_own_page(told: Told, desk: Client) -> None:
    """42 CFR Part 2: a story is printed, and goes from hand to hand."""
    world = told.world
    note_agency(partner=told.task.partner, part2=True, by=world.supervisor, now=NOON)

    story = " | ".join(moments(page(desk, "person", told.dana.person)))

    assert "Declines (Pioneer Square Shelter)" in story
    assert "42 CFR Part 2" in story
    assert "Front desk" not in story
    assert "reason code" not in story


def test_a_detail_of_a_protected_source_stays_there_too(told: Told, desk: Client) -> None:
    shelter = told.task.partner
    details = [
        {"id": str(uuid7()), "category": "health", "text": "On methadone.", "source": "partner"},
        {"id": str(uuid7()), "category": "health", "text": "Asthma.", "source": "person"},
    ]
    told.dana.refer(shelter, now=after(1300), details=details)

    story = " | ".join(moments(page(desk, "encounter", told.dana.encounter)))

    assert "Asthma." in story
    assert "methadone" not in story
    assert "42 CFR Part 2" in story


def test_what_was_taken_back_stays_and_says_so(world: World, desk: Client) -> None:
    row = world.given()
    document = world.document("on_scene", row, now=after(10))
    world.push(document, now=after(10))
    world.tap(
        "corrected", row, now=after(15), data={"corrects": document["id"], "reason": "mis_tap"}
    )

    assert "On scene (taken back)" in " ".join(moments(page(desk, "assignment", row.pk)))


def test_a_merge_and_a_broken_glass_are_told_with_who_did_it(told: Told, desk: Client) -> None:
    world, other = told.world, uuid7()
    told.dana.save("persons", other, aliases=["Red"], now=after(2000))
    both = Person.objects.in_bulk([other, told.dana.person])
    people.merge_persons(
        person=both[other], into=both[told.dana.person], by=world.supervisor, now=after(3000)
    )
    stranger = world.theirs.people[0]
    people.break_glass(
        person=both[told.dana.person],
        reason="Collapsed before us.",
        by=stranger,
        actor=user_actor(stranger),
        now=after(3100),
    )
    world.commit()

    for id in (other, told.dana.person):
        story = " | ".join(moments(page(desk, "person", id)))
        assert f"Person {other.hex[-8:]} is merged into {told.dana.person.hex[-8:]}" in story
        assert world.supervisor.display_name in story
        assert "Collapsed before us." in story
        assert "Note signed" in story
    assert "Was it justified" in page(desk, "person", told.dana.person)


def again(told: Told, number: int) -> Met:
    """A further call on which Dana was met, with a note, a dose, a follow-up."""
    world = told.world
    at = after(100_000 * number)
    call = world.given(now=at)
    met = Met(world, call, encounter_id(call.pk), told.dana.person)
    world.tap("contact_made", call, now=at)
    met.names(told.dana.person, now=at)
    met.agreed(at=at)
    met.follow(now=at)
    write(world, met, now=at + MINUTE)
    return met


def queries(client: Client, of: str, id: UUID) -> int:
    page(client, of, id)  # what is asked once, is asked
    with CaptureQueriesContext(connection) as seen:
        page(client, of, id)
    return len(seen)


def test_more_that_happened_takes_no_further_statement(told: Told, desk: Client) -> None:
    before = {of: queries(desk, of, id) for of, id in stories(told).items()}
    calls = [again(told, number) for number in (1, 2)]
    world = told.world
    for second in range(20):
        world.tap("staged", told.assignment, now=after(2000 + second))
    world.commit()

    after_all = {of: queries(desk, of, id) for of, id in stories(told).items()}

    assert after_all == before
    assert max(before.values()) < 60
    text = page(desk, "person", told.dana.person)
    assert [one for one in calls if str(one.encounter) not in text] == []


def test_a_long_story_is_read_in_parts(
    told: Told, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SIZE", 40)
    fill(told, 200)

    text = page(desk, "assignment", told.assignment)
    assert len(moments(text)) == 40
    assert "Message: a follow-up is due" not in moments(text)[0]
    seen = moments(text)
    while (earlier := re.search(r'<a href="\?before=([^"]+)">Earlier</a>', text)) is not None:
        text = page(desk, "assignment", told.assignment, before=earlier[1])
        assert len(moments(text)) <= 40
        seen = moments(text) + seen
    assert len(seen) == 200 + len(STORY)
    assert "Assigned" in seen[0]

    of_person = page(desk, "person", told.dana.person)
    assert len(moments(of_person)) <= views.OF_ONE_CALL + 10
    assert f'<a href="/admin/story/assignment/{told.assignment}/">all of them</a>' in of_person


def test_only_what_was_shown_of_a_long_story_is_written_down(
    told: Told, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SIZE", 40)
    fill(told, 200)

    page(desk, "assignment", told.assignment)

    assert len(read_of(told.world.supervisor)["fact"]) <= 40


def test_encounters_of_a_person_are_read_in_pages_and_none_is_lost(
    told: Told, desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CALLS", 2)
    for number in (1, 2):
        again(told, number)
    every = set(Encounter.objects.values_list("pk", flat=True))

    text = page(desk, "person", told.dana.person)
    seen = [text]
    while (earlier := re.search(r'href="\?before=([^"]+)">Earlier encounters', text)) is not None:
        text = page(desk, "person", told.dana.person, before=earlier[1])
        seen.append(text)

    assert len(seen) == 2
    found = [re.findall(r'/admin/story/encounter/([^/]+)/"', one) for one in seen]
    assert {UUID(id) for one in found for id in one} == every
    assert not set(found[0]) & set(found[1])
    assert "is written of first" in seen[1]
    assert "is written of first" not in seen[0]


def test_title_address_and_log_name_nobody(
    told: Told, desk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for of, id in stories(told).items():
        text = page(desk, of, id)
        [title] = re.findall(r"<title>(.*?)</title>", text, flags=re.DOTALL)
        links = " ".join(re.findall(r'(?:href|src|action)="([^"]*)"', text))
        for word in ("Dana", "Reyes", "doorway", "PIKE", "2026-03-04"):
            assert word not in title
            assert word not in links
            assert word not in caplog.text


def test_lists_and_pages_of_the_admin_lead_to_the_story(told: Told, desk: Client) -> None:
    app = {"person": "people", "encounter": "people", "assignment": "assignments"}
    for of, id in stories(told).items():
        address = f'href="/admin/story/{of}/{id}/"'
        assert address in desk.get(f"/admin/{app[of]}/{of}/").content.decode()
        assert address in desk.get(f"/admin/{app[of]}/{of}/{id}/change/").content.decode()


def test_every_address_that_a_story_gives_is_there(told: Told, desk: Client) -> None:
    text = page(desk, "person", told.dana.person)

    found = set(re.findall(r'href="(/admin/[^"?]+)"', text[text.index('class="story"') :]))

    assert len(found) > 10
    assert [one for one in sorted(found) if desk.get(one).status_code != 200] == []


def test_what_came_to_a_responder_is_in_no_story(told: Told, desk: Client) -> None:
    """It is theirs and their supervisor's; a client's story is printed and goes about."""
    world = told.world
    data = {"kinds": ["assault"], "note": "he spat in my eye"}
    assert world.tap("harm", told.assignment, now=after(1400), data=data) == []
    harmed = Fact.objects.get(event="harm")

    for of, id in stories(told).items():
        text = page(desk, of, id)
        assert [one for one in ("came to harm", "spat in", "peer support") if one in text] == []
    assert harmed.pk not in read_of(world.supervisor)["fact"]
    assert read_of(world.supervisor)["alert"] == {told.alert.pk}
