"""A report that the law asks for is owed until it is made: by the authors, then in their
supervisors' sight."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser

from apps.accounts.models import Role
from apps.assignments.services import let_cleared_go
from apps.casenotes.models import OwedReport
from apps.casenotes.services import remind_of_reports
from apps.core.clock import iso
from apps.core.ids import uuid7
from apps.notify.models import Channel, ContactPoint, Level, Notification
from tests.factories import person
from tests.integration.assignments.conftest import dropped, shown
from tests.integration.casenotes.conftest import MET, NOON, Crew, World, after, note_on, place

DAY = 86_400
DUE = NOON + timedelta(hours=48)
CHILD: dict[str, Any] = {"about": "child", "known_at": iso(NOON), "observed": "Bruises."}
MADE: dict[str, Any] = {
    "reported_at": iso(after(3600)),
    "reported_to": ["dcyf"],
    "report_number": "12345",
}


def owed() -> list[datetime | None]:
    return list(OwedReport.objects.open().values_list("due_at", flat=True))


def field(world: World, crew: Crew, who: int = 0) -> Any:
    world.commit()
    return shown(world.ours.tablets[who], "case_notes")[note_on(crew.call).pk]["report_due_at"]


@pytest.fixture
def drafted(world: World, crew: Crew) -> Crew:
    """Our crew, with a draft that tells of a child and of no report."""
    crew.met(world)
    crew.first.write(crew.call, **MET, mandated_report=CHILD)
    return crew


@pytest.fixture
def found_late(world: World, crew: Crew) -> Crew:
    """Our crew, whose note was signed before anybody knew of the child; the call has left."""
    crew.met(world)
    crew.first.write(crew.call, **MET)
    assert crew.first.sign(crew.call) == []
    crew.cleared(world, now=after(60))
    let_cleared_go(now=after(10_000))
    crew.first.add(crew.call, changes={"mandated_report": CHILD}, now=after(10_060))
    world.commit()
    return crew


class TestADraft:
    def test_says_until_when_and_nothing_once_it_is_made(self, world: World, drafted: Crew) -> None:
        assert owed() == [DUE]
        assert field(world, drafted) == iso(DUE)
        drafted.first.write(drafted.call, mandated_report={**CHILD, **MADE})
        assert owed() == []
        assert field(world, drafted) is None

    def test_names_the_earliest(self, drafted: Crew) -> None:
        drafted.first.write(drafted.call, death={"pronounced_at": iso(after(60))})
        assert owed() == [after(60)], "at once"
        drafted.first.write(
            drafted.call,
            death={"pronounced_at": iso(after(60)), "examiner_notified_at": iso(after(90))},
        )
        assert owed() == [DUE]

    def test_that_tells_of_none_owes_none(self, crew: Crew) -> None:
        crew.first.write(crew.call, **MET)
        assert not OwedReport.objects.exists()


class TestASignedNote:
    def test_owes_what_was_found_out_later_and_comes_back_to_its_authors(
        self, world: World, found_late: Crew
    ) -> None:
        assert owed() == [DUE]
        assert field(world, found_late) == iso(DUE)
        assert place(found_late.call)[0] in shown(world.ours.tablets[0], "encounters")
        assert note_on(found_late.call).pk in dropped(world.ours.tablets[1], "case_notes")

    def test_owes_nothing_once_an_addendum_says_when(self, world: World, found_late: Crew) -> None:
        found_late.first.add(found_late.call, changes={"mandated_report": MADE}, now=after(10_090))
        world.commit()
        assert owed() == []
        for name in ("case_notes", "encounters"):
            about = {"case_notes": note_on(found_late.call).pk}.get(name, place(found_late.call)[0])
            assert about in dropped(world.ours.tablets[0], name)

    def test_goes_on_owing_it_where_words_alone_are_added(self, found_late: Crew) -> None:
        found_late.first.add(found_late.call, "Nobody answered.", now=after(10_090))
        assert owed() == [DUE]


class TestTheSupervisors:
    def list_of(self, world: World, query: str = "") -> str:
        reader = Browser()
        reader.force_login(world.supervisor, "django.contrib.auth.backends.ModelBackend")
        page = reader.get(f"/admin/casenotes/owedreport/{query}")
        assert page.status_code == 200
        return str(page.content.decode())

    def test_see_it_from_a_day_before(
        self, world: World, drafted: Crew, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world.commit()
        pk = str(note_on(drafted.call).pk)
        for now, there in ((DUE - timedelta(hours=25), False), (DUE - timedelta(hours=24), True)):
            monkeypatch.setattr("apps.core.clock.now", lambda now=now: now)
            assert (pk in self.list_of(world)) == there
            assert (pk in self.list_of(world, "?due=later")) != there

    def test_see_their_own_teams_alone(self, world: World, drafted: Crew) -> None:
        world.commit()
        assert OwedReport.objects.visible_to(world.supervisor).count() == 1
        assert not OwedReport.objects.visible_to(person(Role.SUPERVISOR)).exists()
        assert not OwedReport.objects.visible_to(world.dispatcher).exists()

    def test_read_a_list_that_an_index_narrows(self, db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("set enable_seqscan = off")
            rows = OwedReport.objects.due_by(NOON).values("pk")
            plan = rows.explain()
            cursor.execute("reset enable_seqscan")
        assert "casenotes_report_owed" in plan


class TestWhoIsTold:
    @pytest.fixture(autouse=True)
    def _reached(self, world: World) -> None:
        for number, user in enumerate((*world.ours.people, world.supervisor)):
            ContactPoint.objects.create(
                user=user, channel=Channel.EMAIL, address=f"{number}@care.test"
            )

    def told(self) -> list[tuple[Any, int]]:
        rows = Notification.objects.filter(topic="report").order_by("level")
        return [(one.user_id, one.level) for one in rows]

    def test_the_author_and_then_the_supervisors_once(self, world: World, drafted: Crew) -> None:
        author = (drafted.first.user.pk, Level.OWNER)
        above = (world.supervisor.pk, Level.SUPERVISORS)
        for before, told in ((25, []), (24, [author]), (5, [author]), (4, [author, above])):
            remind_of_reports(now=DUE - timedelta(hours=before))
            assert self.told() == told, before
        assert remind_of_reports(now=DUE + timedelta(hours=1)) == 0

    def test_of_what_is_due_at_once_the_supervisors_an_hour_later(
        self, world: World, crew: Crew
    ) -> None:
        adult = {**CHILD, "about": "vulnerable_adult"}
        crew.first.write(crew.call, mandated_report=adult, now=NOON)
        remind_of_reports(now=after(60))
        assert self.told() == [(crew.first.user.pk, Level.OWNER)]
        remind_of_reports(now=after(3600))
        assert (world.supervisor.pk, Level.SUPERVISORS) in self.told()

    def test_nobody_once_it_is_made(self, drafted: Crew) -> None:
        remind_of_reports(now=DUE - timedelta(hours=24))
        drafted.first.write(drafted.call, mandated_report={**CHILD, **MADE})
        assert not Notification.objects.waiting().exists()
        assert remind_of_reports(now=DUE) == 0

    def test_of_the_next_one_anew(self, drafted: Crew) -> None:
        remind_of_reports(now=DUE)
        drafted.first.write(drafted.call, mandated_report={**CHILD, **MADE})
        again = DUE + timedelta(days=1)
        drafted.first.write(drafted.call, death={"pronounced_at": iso(again)}, now=again)
        assert remind_of_reports(now=again) == 1

    def test_the_authors_team_where_the_call_is_not_here(self, world: World, crew: Crew) -> None:
        crew.first.write(uuid7(), mandated_report=CHILD)
        remind_of_reports(now=DUE)
        assert (world.supervisor.pk, Level.SUPERVISORS) in self.told()
