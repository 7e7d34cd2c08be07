"""Messages from CAD become incidents: once, in any order, without losing a hazard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from apps.accounts.models import Team
from apps.audit.models import Entry
from apps.changes import scopes
from apps.changes.models import Change, Member
from apps.changes.published import Event
from apps.core.crypto import unseal
from apps.dispatch import plain, services
from apps.dispatch.cji import WITHHELD
from apps.dispatch.models import Agency, EntryKind, Incident, IncidentLink, IncidentUnit, Unit
from tests.factories import NOON, team
from tests.integration.dispatch.conftest import CAD, at, care, police

pytestmark = pytest.mark.django_db


def names(heard: list[Event], incident: Incident | None = None) -> list[str]:
    """The events of incidents, or of one of them, in order."""
    return [
        event.name
        for event in heard
        if event.name.startswith("incident.") and incident in (None, _of(event))
    ]


def _of(event: Event) -> Incident:
    return Incident.objects.get(pk=event.subject)


def incident(number: str = "2026000000001") -> Incident:
    return Incident.objects.get(cad_number=number)


def state() -> list[Any]:
    return [
        [
            (row.pk, row.updated_at, row.details, row.flags)
            for row in Incident.objects.order_by("pk")
        ],
        list(IncidentUnit.objects.order_by("pk").values()),
        Change.objects.count(),
        Entry.objects.count(),
    ]


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
        assert _scopes(incident()) == mine
        every = {scopes.team(pk) for pk in Team.objects.values_list("pk", flat=True)}
        assert scopes.team(other.pk) in every
        assert _scopes(incident("2")) == {scopes.agency()} | every


def _scopes(row: Incident) -> set[str]:
    members = Member.objects.filter(collection="incidents", doc_id=row.pk)
    return set(members.values_list("scope", flat=True))


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


class TestUpdate:
    def test_leaves_what_it_does_not_speak_of(self, cad: CAD) -> None:
        cad.tell()
        services.receive(
            call=_bare(updated_at=at(1), final_call_type="--CRISIS COMPLAINT - GENERAL"),
            client=cad.client,
            now=NOON,
        )
        row = incident()
        assert row.details["address"] == "3RD AVE / PIKE ST"
        assert row.final_call_type == "CRISIS COMPLAINT - GENERAL"
        assert row.common_type == "MNTL"
        assert len(row.details["narrative"]) == 1

    def test_that_was_overtaken_adds_and_overwrites_nothing(
        self, cad: CAD, heard: list[Event]
    ) -> None:
        cad.tell(updated_at=at(5), address="4TH AVE / PINE ST")
        cad.tell(
            updated_at=at(1),
            premise="bus stop",
            narrative=[{"at": at(1), "text": "HE HAS A DOG"}],
            cautions=[{"text": "dog bites", "severity": "high"}],
            units=[police()],
        )
        row = incident()
        assert row.details["address"] == "4TH AVE / PINE ST"
        assert "older value not taken: address" in row.flags
        assert row.details["premise"] == "bus stop"
        assert [note["text"] for note in row.details["narrative"]][-1] == "HE HAS A DOG"
        assert row.details["cautions"][0]["text"] == "dog bites"
        assert row.units.get().call_sign == "3M21"
        assert names(heard) == ["incident.received", "incident.updated"]

    def test_that_fills_a_gap_is_taken_however_old(self, cad: CAD) -> None:
        cad.tell(updated_at=at(5), address="", location=None)
        cad.tell(updated_at=at(1))
        assert incident().details["address"] == "3RD AVE / PIKE ST"

    def test_never_drops_a_caution(self, cad: CAD) -> None:
        cad.tell(cautions=[{"text": "has a knife", "severity": "low", "kind": "weapon"}])
        cad.tell(updated_at=at(1), cautions=[])
        cad.tell(updated_at=at(2), cautions=[{"text": "Has a KNIFE!", "severity": "highest"}])
        cad.tell(updated_at=at(3), cautions=[{"text": "steep stairs", "severity": "normal"}])
        assert [(c["text"], c["severity"]) for c in incident().details["cautions"]] == [
            ("has a knife", "highest"),
            ("steep stairs", "normal"),
        ]
        assert next(iter(incident().details)) == "cautions"

    @pytest.mark.parametrize(
        ("members", "changed"),
        [
            ({"address": "4TH AVE / PINE ST"}, ["address"]),
            ({"cautions": [{"text": "has a knife"}]}, ["weapon"]),
            ({"cautions": [{"text": "threatened a nurse"}]}, ["violence"]),
            ({"exclusions": {"weapon": "yes"}}, ["weapon"]),
            ({"statuses": ["NewLocation"]}, ["location"]),
            ({"cautions": [{"text": "steep stairs", "kind": "premise"}]}, None),
            ({"address": "3rd Ave/Pike St"}, None),
            ({"narrative": [{"at": at(1), "text": "SHE STOOD UP"}]}, None),
            ({"priority_text": "2"}, None),
        ],
    )
    def test_asks_for_a_new_acknowledgement_when_it_is_material(
        self, cad: CAD, members: dict[str, Any], changed: list[str] | None
    ) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), **members, now=NOON + timedelta(minutes=1))
        row = incident()
        assert row.call_revision == (2 if changed else 1)
        revisions = row.details["revisions"]
        assert [one["changed"] for one in revisions] == ([changed] if changed else [])
        cad.tell(updated_at=at(1), **members)
        assert incident().call_revision == (2 if changed else 1)

    def test_keeps_the_former_address_in_sight(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), address="4TH AVE / PINE ST")
        assert [one["value"] for one in incident().details["alternates"]] == ["3RD AVE / PIKE ST"]

    def test_is_evaluated_anew(self, cad: CAD, loaded: None) -> None:
        cad.tell()
        assert incident().verdict == "eligible"
        cad.tell(updated_at=at(1), cautions=[{"text": "threatened a nurse"}])
        assert incident().verdict == "not_eligible"
        assert "violence" in incident().evaluation["text"]


def _bare(**members: Any) -> Any:
    return plain.parse({"cad_number": "2026000000001", "agency_id": "spd.seattle.gov", **members})


class TestStatus:
    @pytest.mark.parametrize(("event", "status"), [("cancel", "cancelled"), ("close", "closed")])
    def test_ends_and_reopens(self, cad: CAD, heard: list[Event], event: str, status: str) -> None:
        cad.tell()
        cad.tell(updated_at=at(1), event=event)
        assert incident().status == status
        assert incident().closed_at == NOON + timedelta(minutes=1)
        cad.tell(updated_at=at(2), event="reopen")
        assert (incident().status, incident().closed_at) == ("active", None)
        assert names(heard) == ["incident.received", f"incident.{status}", "incident.reopened"]

    def test_of_an_older_message_does_not_close_what_was_reopened(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(2), event="reopen")
        cad.tell(updated_at=at(1), event="close")
        assert incident().status == "active"
        assert "older value not taken: status" in incident().flags

    def test_of_an_overtaken_message_counts_where_nothing_newer_told_one(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(updated_at=at(2), narrative=[{"at": at(2), "text": "MORE"}])
        cad.tell(updated_at=at(1), event="cancel")
        assert incident().status == "cancelled"

    def test_of_a_first_message_is_told_after_its_coming(
        self, cad: CAD, heard: list[Event]
    ) -> None:
        cad.tell(event="close")
        assert incident().status == "closed"
        assert names(heard) == ["incident.received", "incident.closed"]


class TestUnits:
    def test_keep_the_time_at_which_a_status_began(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[care(status="EnRoute", minutes=1)])
        cad.tell(updated_at=at(4), units=[care(status="OnScene", minutes=4)])
        cad.tell(updated_at=at(9), units=[care(status="OnScene", minutes=9)])
        cad.tell(updated_at=at(2), units=[care(status="Staging", minutes=2)])
        row = IncidentUnit.objects.get()
        assert row.status == "OnScene"
        assert set(row.times) == {"EnRoute", "Staging", "OnScene"}
        assert row.times["OnScene"] == at(4).replace("+00:00", "Z")

    def test_leave_and_come_back(self, cad: CAD, unit: Unit, commit_now: Any) -> None:
        cad.tell(units=[care()])
        cad.tell(updated_at=at(1), units=[care(status="Cleared", minutes=1)])
        assert IncidentUnit.objects.get().detached_at == NOON + timedelta(minutes=1)
        commit_now()
        assert scopes.unit(unit.pk) not in _scopes(incident())
        cad.tell(updated_at=at(2), units=[care(status="Dispatched", minutes=2)])
        assert IncidentUnit.objects.get().detached_at is None
        commit_now()
        assert scopes.unit(unit.pk) in _scopes(incident())

    def test_that_a_supervisor_took_off_stay_off_while_cad_goes_on_naming_them(
        self, cad: CAD, unit: Unit
    ) -> None:
        row = cad.tell(units=[care()]).incident
        services.detach_unit(incident=row, unit=unit, now=NOON + timedelta(minutes=1))
        cad.tell(updated_at=at(2), units=[care(status="Dispatched", minutes=2)])
        assert IncidentUnit.objects.get().detached_at is not None
        cad.tell(updated_at=at(3), units=[care(status="EnRoute", minutes=3)])
        assert IncidentUnit.objects.get().detached_at is None

    def test_that_are_queued_for_the_call_are_not_on_it(self, cad: CAD, unit: Unit) -> None:
        cad.tell(units=[{**care(), "active": False}])
        assert not IncidentUnit.objects.exists()
        assert "unit queued, not on this call: CARE-21" in incident().flags
        assert Incident.objects.filter(pk=incident().pk).eligible_not_sent().count() == 0

    def test_of_ours_are_known_by_id_or_by_sign_however_it_is_written(
        self, cad: CAD, unit: Unit
    ) -> None:
        for number, told in enumerate(
            [
                {"unit_id": "CARE21@Care.Seattle.wa.us"},
                {"call_sign": "care21"},
                {"call_sign": "CARE-21", "agency_id": "dispatch.seattle.gov"},
            ]
        ):
            row = cad.tell(cad_number=str(number), units=[told]).incident
            assert row.units.get().unit == unit

    def test_of_ours_without_a_team_are_taken_and_flagged(self, cad: CAD) -> None:
        cad.tell(units=[care("CARE99")])
        assert incident().units.get().agency == Agency.CARE
        assert "CARE unit of no team: CARE99" in incident().flags


class TestMerge:
    def test_moves_hazards_notes_and_units_to_the_one_that_stays(
        self, cad: CAD, unit: Unit, heard: list[Event]
    ) -> None:
        cad.tell(
            units=[care()],
            cautions=[{"text": "has a knife"}],
            narrative=[{"at": at(0), "text": "FIRST CALLER"}],
        )
        cad.tell(cad_number="2", narrative=[{"at": at(1), "text": "SECOND CALLER"}])
        heard.clear()
        cad.tell(
            cad_number="2",
            updated_at=at(2),
            merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}],
        )
        old, new = incident(), incident("2")
        assert (old.status, old.merged_into) == ("merged", new)
        assert new.status == "active"
        assert [c["text"] for c in new.details["cautions"]] == ["has a knife"]
        assert {n["text"] for n in new.details["narrative"]} >= {"FIRST CALLER", "SECOND CALLER"}
        assert new.units.get().unit == unit
        assert new.call_revision == 2
        assert [(event.name, event.subject) for event in heard] == [
            ("incident.merged", old.pk),
            ("incident.updated", new.pk),
        ]

    def test_told_by_the_one_that_goes_is_the_same(self, cad: CAD, heard: list[Event]) -> None:
        cad.tell()
        cad.tell(cad_number="2")
        cad.tell(
            updated_at=at(2), event="merge", statuses=["Closed"],
            merges=[{"kind": "REPLACED", "cad_number": "2"}],
        )  # fmt: skip
        assert incident().merged_into == incident("2")
        assert "incident.closed" not in names(heard)

    def test_into_one_that_has_not_come_begins_it(
        self, cad: CAD, unit: Unit, heard: list[Event]
    ) -> None:
        cad.tell(units=[care()], cautions=[{"text": "has a knife"}])
        cad.tell(updated_at=at(1), merges=[{"kind": "REPLACED", "cad_number": "2"}])
        new = incident("2")
        assert incident().merged_into == new
        assert new.details["cautions"][0]["text"] == "has a knife"
        assert new.units.get().unit == unit
        assert "known only from another incident" in new.flags
        assert names(heard) == ["incident.received", "incident.merged", "incident.received"]
        received = cad.tell(cad_number="2", updated_at=at(2), address="4TH AVE / PINE ST")
        assert not received.created
        assert incident("2").details["address"] == "4TH AVE / PINE ST"
        assert incident("2").details["cautions"][0]["text"] == "has a knife"

    def test_of_one_that_has_not_come_waits_for_it(self, cad: CAD) -> None:
        cad.tell(merges=[{"kind": "REPLACING", "cad_number": "2"}])
        cad.tell(cad_number="2", cautions=[{"text": "has a knife"}])
        assert incident("2").status == "merged"
        assert incident().details["cautions"][0]["text"] == "has a knife"
        assert incident().call_revision == 2

    def test_passes_on_what_is_told_of_the_old_number(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(cad_number="2", merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}])
        cad.tell(updated_at=at(3), event="close", cautions=[{"text": "has a knife"}])
        assert incident().status == "merged"
        assert incident("2").status == "active"
        assert incident("2").details["cautions"][0]["text"] == "has a knife"

    def test_is_undone_by_a_reopen_and_not_done_again_by_a_repeat(self, cad: CAD) -> None:
        cad.tell()
        merge = {"kind": "REPLACING", "cad_number": "2026000000001"}
        cad.tell(cad_number="2", updated_at=at(1), merges=[merge])
        cad.tell(updated_at=at(2), event="reopen")
        assert (incident().status, incident().merged_into) == ("active", None)
        cad.tell(cad_number="2", updated_at=at(3), merges=[merge])
        assert incident().status == "active"

    def test_in_a_circle_is_not_done(self, cad: CAD) -> None:
        cad.tell()
        cad.tell(cad_number="2", merges=[{"kind": "REPLACING", "cad_number": "2026000000001"}])
        cad.tell(updated_at=at(2), merges=[{"kind": "REPLACING", "cad_number": "2"}])
        assert incident().status == "merged"
        assert incident("2").status == "active"
        assert "merge contradicts an earlier one, not done" in incident("2").flags


class TestLinks:
    def test_and_splits_are_kept_and_told(self, cad: CAD, heard: list[Event]) -> None:
        cad.tell()
        cad.tell(
            updated_at=at(1),
            links=[{"kind": "RELATED", "cad_number": "7", "reason": "same person"}],
            merges=[{"kind": "SPLIT", "cad_number": "8"}],
        )
        rows = {row.kind: row for row in IncidentLink.objects.all()}
        assert rows["RELATED"].reason == "same person"
        assert rows["SPLIT"].cad_number == "8"
        assert incident().status == "active"
        assert names(heard) == ["incident.received", "incident.linked"]

    def test_end_by_unlink(self, cad: CAD) -> None:
        cad.tell(links=[{"kind": "PARENT", "cad_number": "7"}])
        cad.tell(updated_at=at(1), links=[{"kind": "UNLINK", "cad_number": "7"}])
        assert [row.kind for row in IncidentLink.objects.all()] == ["UNLINK"]
        cad.tell(updated_at=at(2), links=[{"kind": "CHILD", "cad_number": "7"}])
        assert [row.kind for row in IncidentLink.objects.all()] == ["CHILD"]


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
