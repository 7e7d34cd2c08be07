"""The stock admin: pages open for those whose they are, and looks are written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Role, Team, User
from apps.accounts.throttles import TrialThrottle
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.clock import city
from apps.dispatch import messages, services
from apps.dispatch.admin.ruleforms import RuleForm
from apps.dispatch.models import CallType, DispatchRule, HeldMessage, Incident, Shift, Unit
from apps.dispatch.services import rulebook
from tests.factories import NOON, person, team
from tests.integration.dispatch.conftest import CAD, WELFARE_CHECK, at, care, care_unit, police

pytestmark = pytest.mark.django_db
PAGES = {
    "incident": {"supervisor", "dispatcher"},
    "heldmessage": {"supervisor", "dispatcher"},
    "unit": {"supervisor", "dispatcher", "administrator"},
    "shift": {"supervisor", "dispatcher"},
    "dispatchrule": {"supervisor", "dispatcher", "administrator"},
    "calltype": {"supervisor", "dispatcher", "administrator"},
}


def browser(user: User) -> Browser:
    found = Browser()
    found.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return found


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:dispatch_{name}", args=args)


SPAN = {"since": "2026-03-01", "until": "2026-03-31"}
TERMS: dict[str, Any] = {
    "title": "Solo dispatch, longer",
    "mode": "solo",
    "partner": "SPD",
    "hours_from": "08:00",
    "hours_to": "00:00",
    "weekdays": ["1", "2", "3"],
    "beats": ["M3", "K3"],
    "outline": "",
    "outline_tolerance_m": "",
    "common_types": ["WELFARE"],
    "exclusions": ["weapon"],
    "tz": "America/Los_Angeles",
    "note": "",
}


def another_shift(of: Team) -> Shift:
    ends_at = NOON + timedelta(hours=1)
    return services.start_shift(team=of, starts_at=NOON, ends_at=ends_at, by=SYSTEM, now=NOON)


@pytest.fixture
def administrator(db: None) -> User:
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def told(cad: CAD, unit: Unit, loaded: None, commit_now: Callable[[], None]) -> Incident:
    """An incident with everything on it."""
    cad.tell(cad_number="1", narrative=[{"at": at(0), "text": "<b>OTHER CALLER</b>"}])
    cad.tell(
        units=[care(), police()],
        cautions=[{"text": "has a <script>knife</script>", "severity": "high"}],
        merges=[{"kind": "REPLACING", "cad_number": "1"}],
        links=[{"kind": "RELATED", "cad_number": "999"}],
        premise="shelter",
    )
    cad.tell(updated_at=at(1), address="4TH AVE / PINE ST", event="close")
    cad.tell(cad_number="2", units=[police()])
    commit_now()
    return Incident.objects.get(cad_number="2026000000001")


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_for_their_roles(name: str, told: Incident, downtown: Team) -> None:
    for role in (Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR):
        user = person(role, of=downtown if role == Role.SUPERVISOR else None)
        answer = browser(user).get(page(f"{name}_changelist"))
        assert (answer.status_code == 200) == (role in PAGES[name]), role


class TestIncidents:
    def test_the_list_shows_codes_and_filters_by_verdict(
        self, told: Incident, supervisor: User
    ) -> None:
        desk = browser(supervisor)
        text = desk.get(page("incident_changelist")).content.decode()
        assert "2026000000001" in text
        assert "3RD AVE" not in text
        assert Entry.objects.get(action="read").actor_id == supervisor.pk
        sent = desk.get(page("incident_changelist") + "?verdict=not_sent").content.decode()
        assert ">2<" in sent
        assert "2026000000001" not in sent
        for verdict in ("eligible", "not_eligible", "not_determined"):
            assert desk.get(page("incident_changelist") + f"?verdict={verdict}").status_code == 200

    def test_the_page_shows_hazards_first_and_escapes_everything(
        self, told: Incident, supervisor: User
    ) -> None:
        answer = browser(supervisor).get(page("incident_change", told.pk))
        text = answer.content.decode()
        assert answer.status_code == 200
        assert text.index("knife") < text.index("The rules") < text.index("4TH AVE / PINE ST")
        for shown in (
            "3RD AVE / PIKE ST",
            "CARE-21",
            "OTHER CALLER",
            "999",
            told.evaluation["text"],
        ):
            assert shown in text
        assert "<script>knife" not in text
        assert "<b>OTHER" not in text
        assert Entry.objects.filter(action="read", subject_ids=[told.pk]).count() == 1

    def test_another_teams_incident_is_not_there(
        self, cad: CAD, told: Incident, commit_now: Callable[[], None]
    ) -> None:
        stranger = person(Role.SUPERVISOR)
        assert browser(stranger).get(page("incident_change", told.pk)).status_code == 302
        assert not Entry.objects.filter(actor_id=stranger.pk, action="read").exists()

    def test_nobody_edits_or_deletes(self, told: Incident, supervisor: User) -> None:
        desk = browser(supervisor)
        assert desk.post(page("incident_change", told.pk), {}).status_code == 403
        assert desk.get(page("incident_add")).status_code == 403
        assert desk.get(page("incident_delete", told.pk)).status_code == 403


class TestHeld:
    @pytest.fixture
    def held(self, cad: CAD) -> HeldMessage:
        cad.post(messages.PLAIN, {**WELFARE_CHECK, "cad_number": ""})
        return HeldMessage.objects.get()

    def test_is_shown_on_record_and_replayed(self, held: HeldMessage, dispatcher: User) -> None:
        desk = browser(dispatcher)
        assert "/cad_number" in desk.get(page("heldmessage_changelist")).content.decode()
        assert "PIKE ST" in desk.get(page("heldmessage_change", held.pk)).content.decode()
        replay = page("heldmessage_replay", held.pk)
        assert "PIKE ST" in desk.get(replay).content.decode()
        reads = Entry.objects.filter(action="read", subject_type="held_message")
        assert reads.filter(subject_ids=[held.pk]).count() >= 2
        wrong = desk.post(replay, {"message": "{}"}).content.decode()
        assert "/cad_number: give the CAD event number" in wrong
        done = desk.post(replay, {"message": orjson.dumps(WELFARE_CHECK).decode()}, follow=True)
        assert "Taken:" in done.content.decode()
        assert Incident.objects.get().cad_number == "2026000000001"
        twice = desk.post(replay, {"message": orjson.dumps(WELFARE_CHECK).decode()})
        assert "replayed already" in twice.content.decode()


class TestRules:
    def test_an_administrator_makes_and_edits_a_new_version(
        self, loaded: None, administrator: User
    ) -> None:
        desk = browser(administrator)
        old = DispatchRule.objects.get(version="2025-solo")
        answer = desk.post(
            page("dispatchrule_changelist"),
            {"action": "new_version", "_selected_action": [str(old.pk)]},
        )
        copy = DispatchRule.objects.get(version="2025-solo-draft-1")
        assert answer["Location"] == page("dispatchrule_change", copy.pk)
        form = {
            "version": "2027-solo",
            "effective_from_0": "2099-01-01",
            "effective_from_1": "00:00",
            "effective_to_0": "",
            "effective_to_1": "",
            "citation": "Agreement of 2027",
            **TERMS,
        }
        for field, typed, mend in (
            ("beats", ["K9"], "K9 is not one of the available choices"),
            ("outline", "-122.3, 47.6\nPike St", "Line 2: two numbers, please."),
            ("outline", "-122.3, 47.6", "must be a ring"),
            ("tz", "Mars/Olympus", "must be the name of a time zone"),
            ("hours_to", "noon", "Enter a valid time."),
            ("common_types", [], "This field is required."),
            ("effective_from_0", "2020-01-01", "Must lie in the future."),
        ):
            page_again = desk.post(answer["Location"], {**form, field: typed})
            wrong = page_again.context["adminform"].form.errors
            assert mend in str(wrong[field.removesuffix("_0")]), field
        assert desk.post(answer["Location"], form).status_code == 302
        row = DispatchRule.objects.get(pk=copy.pk)
        assert row.version == "2027-solo"
        assert row.definition["hours"] == {"from": "08:00", "to": "00:00"}
        assert row.definition["beats"] == ["K3", "M3"]

    def test_what_a_version_says_is_what_its_form_shows_and_saves(
        self, loaded: None, administrator: User
    ) -> None:
        """Each version that was shipped, opened and saved untouched, says the same."""
        for old in DispatchRule.objects.all():
            copy = services.new_version(of=old, by=SYSTEM, now=clock.now())
            form = RuleForm(instance=copy)
            typed = {one.html_name: one.value() for one in form}
            for name in ("effective_from", "effective_to"):
                at = getattr(copy, name)
                typed[name] = at.isoformat(" ") if at else ""
            again = RuleForm({name: v for name, v in typed.items() if v is not None}, instance=copy)
            assert again.is_valid(), again.errors
            assert rulebook.as_rule(again.instance) == rulebook.as_rule(copy)

    def test_what_is_typed_is_tried_before_it_is_saved(
        self, told: Incident, administrator: User
    ) -> None:
        desk = browser(administrator)
        copy = services.new_version(
            of=DispatchRule.objects.get(version="2025-solo"), by=SYSTEM, now=clock.now()
        )
        form = {
            "version": "2027-try",
            "effective_from_0": "2099-01-01",
            "effective_from_1": "00:00",
            "citation": "Agreement of 2027",
            **TERMS,
            "_try": "1",
            "since": "2026-03-01",
            "until": "2026-03-31",
        }
        address = page("dispatchrule_change", copy.pk)
        shown = desk.post(address, form).content.decode()
        assert "This change would have sent CARE to" in shown
        assert "nothing is saved" in shown
        assert 'name="citation" value="Agreement of 2027"' in shown  # for another span
        assert (
            "Must not lie before the first day."
            in desk.post(address, {**form, "until": "2026-02-01"}).content.decode()
        )
        assert desk.post(address, {**form, "tz": "Mars"}).context["adminform"].form.errors["tz"]
        copy.refresh_from_db()
        assert (copy.version, copy.citation == form["citation"]) == ("2025-solo-draft-1", False)

    def test_a_version_in_force_shows_its_text_and_takes_an_end(
        self, loaded: None, administrator: User
    ) -> None:
        desk = browser(administrator)
        rule = DispatchRule.objects.get(version="2025-solo")
        address = page("dispatchrule_change", rule.pk)
        assert 'name="definition"' not in desk.get(address).content.decode()
        end = {"effective_to_0": "2099-01-01", "effective_to_1": "00:00"}
        assert desk.post(address, {**end, "citation": "another"}).status_code == 302
        rule.refresh_from_db()
        assert rule.effective_to
        assert rule.citation != "another"
        early = {"effective_to_0": "2020-01-01", "effective_to_1": "00:00"}
        assert desk.post(address, early).status_code == 200

    def test_a_supervisor_reads_and_tries_them(self, told: Incident, supervisor: User) -> None:
        desk = browser(supervisor)
        rule = DispatchRule.objects.get(version="2023-pilot")
        assert desk.get(page("dispatchrule_change", rule.pk)).status_code == 200
        assert desk.post(page("dispatchrule_change", rule.pk), {}).status_code == 403
        draft = services.new_version(
            of=DispatchRule.objects.get(version="2025-citywide"), by=SYSTEM, now=clock.now()
        )
        draft.definition = {**draft.definition, "beats": ["K1"], "outline": []}
        services.save_rule(rule=draft, by=SYSTEM, now=clock.now())
        text = desk.get(page("dispatchrule_dry_run", draft.pk), SPAN).content.decode()
        assert "2026000000001" not in text, "beside those in force nothing is lost"
        instead = DispatchRule.objects.get(version="2025-citywide")
        span = {**SPAN, "instead": str(instead.pk)}
        text = desk.get(page("dispatchrule_dry_run", draft.pk), span).content.decode()
        assert "CARE to 0 more calls, " in text
        assert "Fewer" in text
        assert "/admin/dispatch/incident/" in text.split("Fewer")[1]

    def test_a_dry_run_is_had_so_often_and_then_waited_for(
        self, told: Incident, supervisor: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TrialThrottle, "rate", "2/hour")
        rule = DispatchRule.objects.get(version="2023-pilot")
        address = page("dispatchrule_dry_run", rule.pk)
        desk = browser(supervisor)
        tried = [desk.get(address, SPAN) for _ in range(3)]
        assert [one.status_code for one in tried] == [200, 200, 429]
        assert 0 < int(tried[2]["Retry-After"]) <= 3600
        assert "Try again in" in tried[2].content.decode()
        assert Entry.objects.filter(action="dry-run").count() == 2
        another = browser(person(Role.SUPERVISOR, of=team("North")))
        assert another.get(address, SPAN).status_code == 200

    @pytest.mark.parametrize("days", [("0001-01-01", "2026-03-31"), ("2026-03-01", "9999-12-31")])
    def test_no_dry_run_goes_to_an_end_of_the_calendar(
        self, told: Incident, supervisor: User, days: tuple[str, str]
    ) -> None:
        rule = DispatchRule.objects.get(version="2023-pilot")
        span = dict(zip(SPAN, days, strict=True))
        answer = browser(supervisor).get(page("dispatchrule_dry_run", rule.pk), span)
        assert (answer.status_code, answer.context_data["found"]) == (200, None)  # type: ignore[attr-defined]

    def test_an_administrator_sees_counts_of_a_dry_run_and_no_call(
        self, told: Incident, administrator: User
    ) -> None:
        rule = DispatchRule.objects.get(version="2023-pilot")
        tried = browser(administrator).get(page("dispatchrule_dry_run", rule.pk), SPAN)
        text = tried.content.decode()
        assert "Of 3 calls" in text
        assert "2026000000001" not in text

    def test_a_call_type_is_mapped(self, loaded: None, administrator: User) -> None:
        desk = browser(administrator)
        body = {"code": "WELFARE CHECK BY DRONE", "common_type": "WELFARE", "nemsis_code": ""}
        assert desk.post(page("calltype_add"), body).status_code == 302
        assert CallType.objects.get(code=body["code"]).common_type == "WELFARE"

    @pytest.mark.parametrize(("typed", "kept"), [("", None), ("15", 15)])
    def test_a_call_type_says_how_often_a_crew_checks_in(
        self, loaded: None, administrator: User, typed: str, kept: int | None
    ) -> None:
        code = CallType.objects.order_by("code").values_list("code", flat=True)[0]
        body = {"common_type": "WELFARE", "nemsis_code": "", "check_in_minutes": typed}
        answer = browser(administrator).post(page("calltype_change", code), body)
        assert answer.status_code == 302
        assert CallType.objects.get(code=code).check_in_minutes == kept

    def test_no_interval_is_shipped_and_none_is_nothing(
        self, loaded: None, administrator: User
    ) -> None:
        assert not CallType.objects.exclude(check_in_minutes=None).exists()
        body = {"code": "X", "common_type": "", "nemsis_code": "", "check_in_minutes": "0"}
        answer = browser(administrator).post(page("calltype_add"), body)
        assert "greater than or equal to 1" in answer.content.decode()


class TestCrews:
    def test_an_administrator_keeps_units(self, administrator: User, downtown: Team) -> None:
        desk = browser(administrator)
        body = {"call_sign": "care-22", "agency": "care", "eido_id": "", "in_service": "on"}
        assert "belongs to a team" in desk.post(page("unit_add"), body).content.decode()
        assert desk.post(page("unit_add"), {**body, "team": downtown.pk}).status_code == 302
        assert Unit.objects.get().call_sign == "CARE-22"

    def test_a_supervisor_runs_a_shift(self, supervisor: User, unit: Unit, downtown: Team) -> None:
        desk = browser(supervisor)
        # Typed as the desk's clock shows it, which shows every noon once.
        yesterday = clock.now().astimezone(city()) - timedelta(days=1)
        start = yesterday.replace(hour=12, minute=0, second=0, microsecond=0)
        times = {
            "starts_at_0": f"{start:%Y-%m-%d}",
            "starts_at_1": f"{start:%H:%M}",
            "ends_at_0": "2020-01-01",
            "ends_at_1": "00:00",
        }
        assert desk.post(page("shift_add"), times).status_code == 200
        assert desk.post(page("shift_add"), {**times, "ends_at_0": "2099-01-01"}).status_code == 302
        shift = Shift.objects.get()
        assert shift.team == downtown
        assert shift.starts_at == start
        anna, ben = person(of=downtown), person(of=downtown)
        named = {"shift": shift.pk, "first": anna.pk, "second": ben.pk}
        crew = {**named, "reason": "They come on.", "apply": "1"}
        assert desk.get(page("unit_do", unit.pk, "hand_over")).status_code == 200
        assert desk.post(page("unit_do", unit.pk, "hand_over"), crew).status_code == 302
        assert [member.user for member in services.crew_of(unit)] == [anna, ben]
        twice = desk.post(page("unit_do", unit.pk, "hand_over"), {**crew, "second": anna.pk})
        assert "Name each person once." in twice.content.decode()
        assert anna.display_name in desk.get(page("unit_changelist")).content.decode()
        why = {"reason": "Nobody is left.", "apply": "1"}
        ended = desk.post(
            page("shift_changelist"),
            {**why, "action": "end", "_selected_action": [str(shift.pk)]},
            follow=True,
        )
        assert "Units without a crew: CARE-21" in ended.content.decode()

    @pytest.mark.parametrize("name", ["unit_changelist", "shift_changelist"])
    def test_a_list_reads_all_crews_at_once(
        self, supervisor: User, shift: Shift, downtown: Team, name: str
    ) -> None:
        desk = browser(supervisor)
        statements = []
        for number in (1, 2, 3):
            user = person(of=downtown)
            services.join_crew(
                user=user,
                unit=care_unit(f"CARE-{number}", downtown),
                shift=shift if number == 1 else another_shift(downtown),
                by=SYSTEM,
                now=NOON,
            )
            with CaptureQueriesContext(connection) as queries:
                shown = desk.get(page(name)).content.decode()
            assert user.display_name in shown
            statements.append(len(queries))
        assert statements[1] == statements[2]  # at the first look the process learns something

    def test_others_arrange_no_crews(
        self, unit: Unit, dispatcher: User, administrator: User
    ) -> None:
        theirs = care_unit("CARE-31", person(Role.SUPERVISOR).team)  # type: ignore[arg-type]
        for user in (dispatcher, administrator):
            assert browser(user).get(page("unit_do", unit.pk, "hand_over")).status_code == 403
        supervisor = person(Role.SUPERVISOR, of=unit.team)
        assert browser(supervisor).get(page("unit_do", theirs.pk, "hand_over")).status_code == 404
