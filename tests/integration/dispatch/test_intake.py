"""Messages from CAD become incidents: once, and without criminal history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from apps.accounts.models import Team
from apps.audit.models import Entry
from apps.changes import scopes
from apps.changes.published import Event
from apps.core.crypto import unseal
from apps.dispatch.cji import WITHHELD
from apps.dispatch.models import Agency, EntryKind, Incident, IncidentUnit, Unit
from apps.dispatch.services.drafts import MOST_OF_OURS
from tests.factories import NOON, team
from tests.integration.dispatch.conftest import (
    CAD,
    at,
    care,
    incident,
    names,
    police,
    scopes_of,
    state,
)

pytestmark = pytest.mark.django_db


class TestFirstMessage:
    def test_makes_an_incident(self, cad: CAD, loaded: None, heard: list[Event]) -> None:
        received = cad.tell()
        row = Incident.objects.get()
        assert received.created
        assert received.incident == row
        assert (row.agency_id, row.cad_number) == ("spd.seattle.gov", "2026000000001")
        assert (row.status, row.call_revision, row.priority) == ("active", 1, 6)
        assert row.common_type == "WELFARE"
        assert row.occurred_at == NOON
        assert row.details["address"] == "3RD AVE / PIKE ST"
        assert row.verdict == "eligible"
        assert row.evaluation["text"].startswith("eligible: welfare check, beat M3, 12:00")
        assert names(heard) == ["incident.received"]
        assert Entry.objects.filter(action="create", subject_type="incident").count() == 1

    def test_without_an_agency_it_counts_as_its_clients(self, cad: CAD) -> None:
        cad.tell(agency_id="")
        assert incident().agency_id == str(cad.client.pk)

    def test_of_an_unknown_type_is_taken_and_flagged(self, cad: CAD, loaded: None) -> None:
        cad.tell(initial_call_type="SOMEBODY SINGS TOO LOUD")
        assert incident().initial_call_type == "SOMEBODY SINGS TOO LOUD"
        assert "unknown call type" in incident().flags
        assert incident().verdict == "not_determined"

    def test_without_rules_nothing_is_eligible(self, cad: CAD) -> None:
        cad.tell()
        assert incident().verdict == "not_determined"
        assert "no dispatch rule in force" in incident().evaluation["text"]

    def test_names_units_of_every_agency(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[care(), police()])
        rows = {row.call_sign: row for row in IncidentUnit.objects.select_related("unit")}
        assert rows["CARE-21"].unit == unit
        assert rows["CARE-21"].status == "Dispatched"
        assert rows["CARE-21"].source == "cad"
        assert rows["3M21"].agency == Agency.SPD
        assert Unit.objects.filter(agency=Agency.SPD, call_sign="3M21").count() == 1

    def test_is_seen_by_the_desk_the_teams_and_the_crew(
        self, cad: CAD, unit: Unit, commit_now: Any
    ) -> None:
        other = team()
        cad.tell(units=[care()])
        cad.tell(cad_number="2", units=[police()])
        commit_now()
        mine = {scopes.agency(), scopes.team(unit.team_id or UUID(int=0)), scopes.unit(unit.pk)}
        assert scopes_of(incident()) == mine
        every = {scopes.team(pk) for pk in Team.objects.values_list("pk", flat=True)}
        assert scopes.team(other.pk) in every
        assert scopes_of(incident("2")) == {scopes.agency()} | every


class TestEntryKind:
    @pytest.mark.parametrize(
        ("members", "kind"),
        [
            ({"units": [care(), police()]}, EntryKind.DUAL_911),
            ({"units": [care()]}, EntryKind.SOLO_911),
            ({"requested_by": "spd", "units": [care(), police()]}, EntryKind.REQUEST_SPD),
            (
                {"initial_call_type": "SFD - ASSIST ON FIRE OR MEDIC RESPONSE"},
                EntryKind.REQUEST_SFD,
            ),
        ],
    )
    def test_follows_from_who_is_on_the_call(
        self, cad: CAD, unit: Unit, members: dict[str, Any], kind: EntryKind
    ) -> None:
        cad.tell(**members)
        assert incident().entry_kind == kind


class TestRepeat:
    def test_changes_and_publishes_nothing(self, cad: CAD, unit: Unit, heard: list[Event]) -> None:
        members: dict[str, Any] = {
            "units": [care(), police()],
            "cautions": [{"text": "dog bites", "severity": "high"}],
            "links": [{"kind": "RELATED", "cad_number": "77"}],
            "merges": [{"kind": "REPLACING", "cad_number": "78"}],
            "alternates": [{"component": "c", "element": "e", "value": "v"}],
        }
        cad.tell(**members)
        before = state()
        heard.clear()
        again = cad.tell(**members, now=NOON + timedelta(minutes=5))
        assert not again.created
        assert not again.changed
        assert heard == []
        assert state() == before

    def test_without_the_cads_own_time_changes_nothing_either(self, cad: CAD) -> None:
        cad.tell(updated_at=None, units=[police()])
        before = state()
        assert not cad.tell(
            updated_at=None, units=[police()], now=NOON + timedelta(hours=1)
        ).changed
        assert state() == before

    def test_as_a_newer_message_is_remembered_but_not_told(
        self, cad: CAD, heard: list[Event]
    ) -> None:
        cad.tell()
        heard.clear()
        assert not cad.tell(updated_at=at(3)).changed
        assert heard == []
        # It said again, after that minute 2, where it is: so the older message loses.
        cad.tell(updated_at=at(2), address="ELSEWHERE")
        assert incident().details["address"] == "3RD AVE / PIKE ST"


class TestCriminalHistory:
    def test_is_never_stored(self, cad: CAD) -> None:
        secrets = ["FELONY WARRANT OUT OF KING COUNTY", "SID WA12345678", "ON PROBATION"]
        cad.tell(
            narrative=[{"at": at(0), "text": f"SHE CRIES. HE HAS A {secrets[0]}. DOG HERE"}],
            cautions=[{"text": f"armed; {secrets[1]}", "severity": "high"}],
            premise=f"shelter, resident {secrets[2]}",
            something={"arrests": ["2019 burglary"]},
        )
        row = incident()
        sealed = Incident.objects.raw("select id, details from dispatch_incident")[0]
        field = Incident._meta.get_field("details")
        plain = unseal(sealed.__dict__["details"].data, bound_to=field.place(row.pk)).decode()  # type: ignore[union-attr]
        for secret in [*secrets, "burglary", "WA12345678", "WARRANT"]:
            assert secret not in plain
        assert row.withheld_count == 4
        assert row.details["withheld"] == WITHHELD
        assert "SHE CRIES" in plain
        assert row.details["cautions"][0]["kind"] == "weapon"
        assert "WARRANT" not in orjson.dumps([row.flags, row.evaluation]).decode()

    def test_is_counted_where_a_code_is_due_and_once_however_often_it_is_told(
        self, cad: CAD
    ) -> None:
        told = {"final_call_type": "priors. " * 15, "common_type": "PRIOR ARRESTS"}
        cad.tell(**told)
        cad.tell(**told)
        cad.tell(**told, updated_at=at(1), narrative=[{"text": "calm"}])
        row = incident()
        assert row.withheld_count == 2
        assert row.details["withheld"] == WITHHELD
        assert (row.final_call_type, row.common_type) == (WITHHELD, "")


class TestReads:
    def test_eligible_and_not_sent(self, cad: CAD, loaded: None, unit: Unit) -> None:
        cad.tell(cad_number="1", units=[police()])
        cad.tell(cad_number="2", units=[care(), police()])
        cad.tell(cad_number="3", beat="W1", initial_call_type="BURG - RESIDENTIAL")
        cad.tell(cad_number="4", merges=[{"kind": "REPLACED", "cad_number": "1"}])
        found = Incident.objects.eligible_not_sent().values_list("cad_number", flat=True)
        assert list(found) == ["1"]


class TestMoreUnitsThanACityHas:
    def test_are_flagged_and_those_that_are_on_it_stay(self, cad: CAD, loaded: None) -> None:
        many = [police(f"P{n}") for n in range(60)] + [care(f"CARE{n}") for n in range(60)]
        taken = cad.tell(units=many)
        ours = IncidentUnit.objects.filter(agency=Agency.CARE)
        assert ours.count() == MOST_OF_OURS
        assert IncidentUnit.objects.exclude(agency=Agency.CARE).count() == 60
        assert "more than 50 CARE units: the others are not taken" in taken.incident.flags
        on_scene = [care("CARE0", "OnScene", minutes=5), care("CARE59", minutes=5)]
        cad.tell(units=on_scene, updated_at=at(5))
        assert ours.get(call_sign="CARE0").status == "OnScene"
        assert not ours.filter(call_sign="CARE59").exists()
