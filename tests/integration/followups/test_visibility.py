"""Where and when somebody is found is for those who look for them, and for nobody else."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Partner
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes.models import Change, Member, ParkedReaction
from apps.core.ids import uuid7
from apps.followups.models import FollowUp
from apps.followups.models.followups import FOLLOW_UPS
from apps.followups.services import following
from apps.followups.services.telling import tell
from apps.people.parts import parts_of
from apps.people.services import show_person
from apps.referrals.models import Way
from apps.referrals.services.disclosures import disclose_to_partner
from apps.webhooks import catalogue
from tests.factories import person, tablet, team
from tests.integration.followups.conftest import DAY, HOUR, NOON, Met, shown
from tests.integration.referrals.conftest import partner

ROOMS = Path(__file__).parents[3] / "apps"
SECRET = "UNDER-THE-RAMP-WITH-MARCUS"


@pytest.fixture
def row(dana: Met) -> FollowUp:
    dana.agreed()
    return dana.follow(
        find=[{"id": str(uuid7()), "place": SECRET, "who": SECRET, "hours": SECRET}], note=SECRET
    )


def scopes(row: FollowUp) -> set[str]:
    """Who sees it, of those of the world: by the first word of the scope."""
    seen = Member.objects.filter(collection=FOLLOW_UPS, doc_id=row.pk).values_list("scope")
    return {scope for [scope] in seen}


class TestWhoSeesIt:
    def test_the_teams_units_and_its_supervisors_and_never_the_desk(
        self, dana: Met, row: FollowUp
    ) -> None:
        world = dana.world
        here = FollowUp.objects.filter(pk=row.pk)
        outsider = tablet(person(of=team()))

        for one in (*world.ours.tablets, *world.theirs.tablets):
            assert row.pk in shown(one, "follow_ups")
        assert here.visible_to(world.supervisor).exists()
        assert not here.visible_to(world.dispatcher).exists()
        assert row.pk not in shown(outsider, "follow_ups")

    def test_at_no_time_is_it_the_whole_agencys(self, dana: Met, row: FollowUp) -> None:
        world, seen = dana.world, [scopes(row)]
        steps: list[tuple[str, dict[str, Any]]] = [
            ("taken", {}), ("snoozed", {"until": "2026-03-05T22:00:00Z"}), ("paused", {}),
            ("resumed", {}), ("attempted", {}), ("attempted", {"result": "reached"}),
        ]  # fmt: skip
        for event, content in steps:
            dana.tells(event, row, now=NOON + DAY, **content)
            seen.append(scopes(row))
        following.restate(follow_up_ids=[row.pk], now=NOON + DAY + HOUR)
        dana.world.commit()
        seen.append(scopes(row))

        units = {f"unit:{crew.unit.pk}" for crew in (world.ours, world.theirs)}
        mine, boss = f"responder:{world.ours.people[0].pk}", f"team:{world.team.pk}"
        assert seen == [{boss, mine, *units}, *[{boss, mine}] * 6, {boss}]

    def test_what_has_risen_to_the_team_is_the_teams(self, dana: Met, row: FollowUp) -> None:
        theirs = dana.world.theirs.tablets[0]
        dana.tells("taken", row)
        assert row.pk not in shown(theirs, "follow_ups")
        FollowUp.objects.filter(pk=row.pk).update(level=2)

        following.restate(follow_up_ids=[row.pk], show=True, now=NOON + 2 * DAY)
        dana.world.commit()

        assert row.pk in shown(theirs, "follow_ups")


class TestThePersonsRecord:
    def test_comes_with_the_follow_up_and_leaves_with_it(self, dana: Met) -> None:
        theirs = dana.world.theirs.tablets[0]
        dana.agreed()
        assert dana.person not in shown(theirs, "persons")

        row = dana.follow()
        assert dana.person in shown(theirs, "persons")

        dana.tells("taken", row)
        assert dana.person not in shown(theirs, "persons")

        dana.tells("released", row)
        assert dana.person in shown(theirs, "persons")

    def test_it_is_another_ones_when_the_encounter_names_another(self, dana: Met) -> None:
        theirs = dana.world.theirs.tablets[0]
        dana.agreed()
        dana.follow()
        other = uuid7()
        dana.save("persons", other, given_name="Alba")

        dana.names(other)

        assert other in shown(theirs, "persons")
        assert dana.person not in shown(theirs, "persons")

    def test_showing_them_again_takes_nobody_away(self, dana: Met, row: FollowUp) -> None:
        show_person(person_id=dana.person, now=NOON)
        dana.world.commit()

        assert dana.person in shown(dana.world.theirs.tablets[0], "persons")

    def test_who_reads_it_is_written_down(self, dana: Met, row: FollowUp, client: Client) -> None:
        theirs = dana.world.theirs
        answer = client.get("/api/v1/sync/follow_ups/pull", headers=theirs.tablets[0].headers)
        assert SECRET in answer.content.decode()

        entry = Entry.objects.get(action="read", subject_type="follow_up")
        assert (entry.subject_ids, entry.actor_id) == ([row.pk], theirs.people[0].pk)


class TestNothingOfItLeaves:
    def test_it_is_in_no_event_part_payload_or_log(
        self, dana: Met, row: FollowUp, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        shelter: Partner = partner("Pioneer Square Shelter")
        dana.tells("attempted", row, now=NOON + DAY, result="left_word", where=SECRET, note=SECRET)
        dana.consent(shelter)
        task = dana.asks(shelter)
        tell(follow_up=row, event="ended", author=None, now=NOON + DAY)
        dana.world.commit()

        told: list[Any] = [
            disclose_to_partner(task=task, way=Way.API, actor=SYSTEM, now=NOON).document,
            parts_of(dana.encounter),
        ]
        happened = list(Change.objects.filter(kind="event").values_list("event", "subject"))
        assert {"follow_up.made", "follow_up.ended"} <= {name for name, _ in happened}
        for kind in catalogue.every_type():
            told += [kind.build(subject) for name, subject in happened if name in kind.on]
        audit = list(Entry.objects.values_list("action", "subject_type", "detail"))

        assert len(told) >= 3, "something was told"
        for text in (*map(str, told), str(audit), caplog.text):
            assert SECRET not in text
        assert not ParkedReaction.objects.exists()

    def test_no_type_of_event_is_about_follow_ups(self) -> None:
        types = catalogue.every_type()

        assert not [one.name for one in types if "follow_up" in " ".join((one.name, *one.on))]

    def test_no_room_but_its_own_reads_follow_ups(self) -> None:
        """What is exported is made in other rooms: nothing there can name one. The figures count
        them, the supervisors' stories tell of them, and neither knows where anybody is."""
        readers: dict[str, str] = {}
        for file in ROOMS.rglob("*.py"):
            text, room = file.read_text(encoding="utf-8"), file.relative_to(ROOMS).parts[0]
            if "apps.followups" in text:
                readers[room] = readers.get(room, "") + text

        assert readers.keys() <= {"followups", "simulator", "metrics", "cockpit"}
        assert '"find"' not in readers["metrics"] + readers["cockpit"]
