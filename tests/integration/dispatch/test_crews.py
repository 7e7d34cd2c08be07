"""Crews decide who holds a unit's calls, at every moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.test import Client as Browser

from apps.accounts import services as accounts
from apps.accounts.models import Role, Team, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.changes import scopes
from apps.changes.models import Change, Grant
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.models import CrewMember, Shift, Unit
from tests.factories import NOON, person, tablet, team
from tests.integration.dispatch.conftest import CAD, care, care_unit

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def holds(user: User, unit: Unit) -> bool:
    return Grant.objects.filter(principal=user.pk, scope=scopes.unit(unit.pk)).exists()


def crew(unit: Unit) -> list[User]:
    return [member.user for member in services.crew_of(unit)]


def join(user: User, unit: Unit, shift: Shift, position: int = 1) -> CrewMember:
    return services.join_crew(
        user=user, unit=unit, shift=shift, position=position, by=SYSTEM, now=NOON
    )


@pytest.fixture
def anna(downtown: Team) -> User:
    return person(of=downtown)


@pytest.fixture
def ben(downtown: Team) -> User:
    return person(of=downtown)


@pytest.fixture
def people(anna: User, ben: User, downtown: Team) -> tuple[User, User, User]:
    return anna, ben, person(of=downtown)


class TestMembership:
    def test_gives_and_takes_the_units_calls(self, anna: User, unit: Unit, shift: Shift) -> None:
        join(anna, unit, shift)
        assert holds(anna, unit)
        assert Entry.objects.filter(action="crew", subject_ids=[anna.pk]).exists()
        services.leave_crew(user=anna, by=SYSTEM, now=LATER)
        assert not holds(anna, unit)
        assert CrewMember.objects.get().until == LATER

    def test_repeated_changes_nothing(self, anna: User, unit: Unit, shift: Shift) -> None:
        member = join(anna, unit, shift)
        changes = Change.objects.count()
        assert join(anna, unit, shift) == member
        assert Change.objects.count() == changes
        services.leave_crew(user=anna, by=SYSTEM, now=LATER)
        services.leave_crew(user=anna, by=SYSTEM, now=LATER)
        assert CrewMember.objects.count() == 1

    def test_is_of_one_unit_at_a_time(
        self, anna: User, unit: Unit, shift: Shift, downtown: Team
    ) -> None:
        other = care_unit("CARE-22", downtown)
        join(anna, unit, shift)
        join(anna, other, shift)
        assert not holds(anna, unit)
        assert holds(anna, other)
        assert crew(unit) == []

    def test_changes_position_without_a_gap(self, anna: User, unit: Unit, shift: Shift) -> None:
        join(anna, unit, shift)
        join(anna, unit, shift, position=2)
        assert CrewMember.objects.get().position == 2

    @pytest.mark.parametrize("wrong", ["unit", "user", "shift", "role", "inactive"])
    def test_is_within_one_team_and_an_open_shift(
        self, anna: User, unit: Unit, shift: Shift, wrong: str
    ) -> None:
        now = NOON
        if wrong == "unit":
            unit = care_unit("CARE-31", team())
        elif wrong == "user":
            anna = person()
        elif wrong == "role":
            anna = person(Role.DISPATCHER)
        elif wrong == "inactive":
            anna.is_active = False
        else:
            now = shift.ends_at
        with pytest.raises(ProblemError) as refused:
            services.join_crew(user=anna, unit=unit, shift=shift, by=SYSTEM, now=now)
        assert refused.value.errors

    def test_ends_with_the_account(self, anna: User, unit: Unit, shift: Shift) -> None:
        join(anna, unit, shift)
        anna.is_active = False
        accounts.save_user(user=anna, by=SYSTEM, now=LATER)
        assert crew(unit) == []
        assert not holds(anna, unit)


class TestTeamOfAUnit:
    def test_does_not_change_while_it_is_at_work(
        self, anna: User, unit: Unit, shift: Shift, cad: CAD
    ) -> None:
        other = team()
        row = cad.tell(units=[care()]).incident
        unit.team = other
        with pytest.raises(ProblemError):
            services.save_unit(unit=unit, by=SYSTEM, now=LATER)
        services.detach_unit(incident=row, unit=unit, now=LATER)
        unit.team = shift.team
        join(anna, unit, shift)
        unit.team = other
        with pytest.raises(ProblemError):
            services.save_unit(unit=unit, by=SYSTEM, now=LATER)
        services.leave_crew(user=anna, by=SYSTEM, now=LATER)
        services.save_unit(unit=unit, by=SYSTEM, now=LATER)
        assert Unit.objects.get(pk=unit.pk).team == other


class TestHandOver:
    def test_passes_the_unit_in_one_transaction(
        self, people: tuple[User, User, User], unit: Unit, shift: Shift, commit_now: Any
    ) -> None:
        anna, ben, cleo = people
        join(anna, unit, shift)
        join(ben, unit, shift, 2)
        commit_now()
        before = Change.objects.count()
        services.hand_over(unit=unit, to=[cleo, ben], shift=shift, by=SYSTEM, now=LATER)
        assert crew(unit) == [cleo, ben]
        assert [holds(one, unit) for one in (anna, ben, cleo)] == [False, True, True]
        # Whoever stays never loses the unit: not even for a moment within.
        assert len(set(Change.objects.values_list("commit_id", flat=True)[before:])) <= 1
        assert not CrewMember.objects.filter(user=ben, until__isnull=False).exists()

    def test_to_the_next_shift_keeps_those_who_stay_holding(
        self, anna: User, unit: Unit, shift: Shift, downtown: Team
    ) -> None:
        join(anna, unit, shift)
        evening = services.start_shift(
            team=downtown, starts_at=LATER, ends_at=LATER + timedelta(hours=8), by=SYSTEM, now=NOON
        )
        services.hand_over(unit=unit, to=[anna], shift=evening, by=SYSTEM, now=LATER)
        assert CrewMember.objects.on_duty().get().shift == evening
        assert holds(anna, unit)
        assert not Change.objects.filter(kind="hold", held=False).exists()

    def test_takes_people_off_their_other_unit(
        self, anna: User, ben: User, unit: Unit, shift: Shift, downtown: Team
    ) -> None:
        other = care_unit("CARE-22", downtown)
        join(ben, other, shift)
        join(anna, unit, shift)
        services.hand_over(unit=unit, to=[ben], shift=shift, by=SYSTEM, now=LATER)
        assert (crew(unit), crew(other)) == ([ben], [])
        assert not holds(ben, other)

    def test_needs_somebody(self, unit: Unit, shift: Shift) -> None:
        with pytest.raises(ProblemError):
            services.hand_over(unit=unit, to=[], shift=shift, by=SYSTEM, now=LATER)


class TestShift:
    def test_that_ends_takes_everyone_off_and_says_what_is_left_alone(
        self, anna: User, ben: User, unit: Unit, shift: Shift, downtown: Team
    ) -> None:
        other = care_unit("CARE-22", downtown)
        evening = services.start_shift(
            team=downtown, starts_at=NOON, ends_at=LATER + timedelta(hours=8), by=SYSTEM, now=NOON
        )
        join(anna, unit, shift)
        join(ben, other, evening)
        left = services.end_shift(shift=shift, by=SYSTEM, now=LATER)
        assert left == [unit]
        assert crew(other) == [ben]
        shift.refresh_from_db()
        assert shift.ends_at == LATER

    def test_lies_in_the_future(self, downtown: Team) -> None:
        with pytest.raises(ProblemError):
            services.start_shift(
                team=downtown,
                starts_at=NOON - timedelta(hours=2),
                ends_at=NOON,
                by=SYSTEM,
                now=NOON,
            )


class TestEndpoints:
    @pytest.fixture
    def desk(self, supervisor: User) -> Browser:
        browser = Browser()
        browser.force_login(supervisor, backend="django.contrib.auth.backends.ModelBackend")
        return browser

    @staticmethod
    def send(desk: Browser, method: str, path: str, body: Any = None) -> Any:
        return desk.generic(
            method, f"/api/v1/{path}", orjson.dumps(body or {}), content_type="application/json"
        )

    def test_a_supervisor_runs_a_shift(
        self, desk: Browser, anna: User, ben: User, unit: Unit
    ) -> None:
        shift = self.send(
            desk, "POST", "shifts",
            {"starts_at": "2026-03-04T12:00:00-08:00", "ends_at": "2099-03-04T22:00:00-08:00"},
        ).json()  # fmt: skip
        assert [row["id"] for row in self.send(desk, "GET", "shifts").json()] == [shift["id"]]
        joined = self.send(
            desk, "POST", f"units/{unit.pk}/join", {"user": str(anna.pk), "shift": shift["id"]}
        )
        assert joined.status_code == 200, joined.content
        given = self.send(
            desk, "PUT", f"units/{unit.pk}/crew",
            {"shift": shift["id"], "crew": [str(ben.pk), str(anna.pk)]},
        )  # fmt: skip
        assert [row["user"] for row in given.json()] == [str(ben.pk), str(anna.pk)]
        listed = self.send(desk, "GET", "units").json()
        assert [row["display_name"] for row in listed[0]["crew"]] == [
            ben.display_name,
            anna.display_name,
        ]
        assert self.send(desk, "POST", "crews/leave", {"user": str(anna.pk)}).status_code == 204
        ended = self.send(desk, "POST", f"shifts/{shift['id']}/end")
        assert ended.json() == {"without_crew": ["CARE-21"]}

    def test_another_teams_things_are_not_there(
        self, desk: Browser, shift: Shift, unit: Unit
    ) -> None:
        stranger, theirs = person(), care_unit("CARE-31", team())
        body = {"shift": str(shift.pk), "crew": [str(stranger.pk)]}
        refused = self.send(desk, "PUT", f"units/{unit.pk}/crew", body)
        assert refused.json()["errors"][0]["pointer"] == "/crew/0"
        assert self.send(desk, "PUT", f"units/{theirs.pk}/crew", body).status_code == 404
        assert [row["call_sign"] for row in self.send(desk, "GET", "units").json()] == ["CARE-21"]

    def test_a_tablet_asks_who_it_is(self, anna: User, ben: User, unit: Unit, shift: Shift) -> None:
        join(anna, unit, shift)
        join(ben, unit, shift, 2)
        device = tablet(ben)
        told = Browser().get("/api/v1/me", headers=device.headers).json()
        assert told["person"]["id"] == str(ben.pk)
        assert told["tablet"]["label"] == device.tablet.label
        assert told["shift"]["id"] == str(shift.pk)
        assert told["unit"]["call_sign"] == "CARE-21"
        assert told["unit"]["position"] == 2
        assert [one["id"] for one in told["unit"]["crew"]] == [str(anna.pk)]
        assert told["collections"]["reference"] == 1
        assert told["settings"]["escalation_seconds"] == [30, 60, 90]
        assert told["server_time"]

    def test_nobody_on_a_tablet_is_told_so(self, downtown: Team) -> None:
        told = Browser().get("/api/v1/me", headers=tablet(of=downtown).headers).json()
        assert (told["person"], told["unit"], told["shift"]) == (None, None, None)
