"""A change of the rules, tried on past calls: counted by hand beside it."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core.problems import THROTTLED, ProblemError
from apps.dispatch.calls import EXCLUSIONS
from apps.dispatch.models import DispatchRule, Incident
from apps.dispatch.reference import common_type_of, common_types
from apps.dispatch.services import trying
from apps.dispatch.services.trying import DryRun, dry_run, in_place_of
from tests.data import shared_data
from tests.factories import NOON
from tests.integration.conftest import Elsewhere
from tests.integration.dispatch.conftest import CAD, at

pytestmark = pytest.mark.django_db
SEATTLE = ZoneInfo("America/Los_Angeles")
YESTERDAY = date(2026, 3, 3)


def solo(**terms: Any) -> DispatchRule:
    """The version in force that sends CARE alone, changed and not saved."""
    stands = DispatchRule.objects.get(version="2025-solo")
    return DispatchRule(
        version="2027-try",
        effective_from=NOON + timedelta(days=300),
        citation="An agreement to come.",
        definition={**stands.definition, **terms},
    )


def alone() -> None:
    """Leaves one version in force, so that what it lets through can be counted by hand."""
    DispatchRule.objects.exclude(version="2025-solo").delete()


def tried(rule: DispatchRule, *, listed: bool = True, days: int = 40) -> DryRun:
    return dry_run(
        rule=rule,
        instead=in_place_of(rule, now=NOON),
        calls=Incident.objects.all(),
        since=NOON - timedelta(days=days),
        until=NOON + timedelta(days=1),
        listed=listed,
        by=SYSTEM,
        now=NOON,
    )


def fit(cad: CAD, number: int, hour: int, **members: Any) -> None:
    """A call that no exclusion holds back, at an hour of yesterday by the city's clock."""
    heard = datetime.combine(YESTERDAY, time(hour, 30), SEATTLE)
    cad.tell(
        cad_number=f"26{number:09}",
        received_at=heard.isoformat(),
        updated_at=at(0),
        exclusions=dict.fromkeys(EXCLUSIONS, "no"),
        **members,
    )


class TestWhatAChangeWouldHaveMeant:
    @pytest.fixture(autouse=True)
    def _calls(self, loaded: None, cad: CAD) -> None:
        """From noon to ten at night CARE may go: of these to three, one of them in K1."""
        alone()
        for number, (hour, beat) in enumerate(
            [(9, "M3"), (11, "M3"), (11, "K1"), (13, "M3"), (14, "K1"), (21, "M3"), (23, "M3")]
        ):
            fit(cad, number, hour, beat=beat)

    def test_is_counted_as_a_hand_counts_it(self) -> None:
        wider = tried(solo(hours={"from": "11:00", "to": "21:00"}))
        assert (wider.tried, wider.more, wider.fewer) == (7, 2, 1)
        assert {one.cad_number[-1] for one in wider.gained} == {"1", "2"}
        assert [one.cad_number[-1] for one in wider.lost] == ["5"]
        assert wider.in_words == "This change would have sent CARE to 2 more calls, 1 fewer."
        assert sum(wider.moves.values()) == 7
        narrower = tried(solo(beats=["K1"], outline=[]))
        assert (narrower.more, narrower.fewer) == (0, 2)

    def test_changes_nothing(self) -> None:
        def stands() -> list[Any]:
            return [
                *Incident.objects.order_by("pk").values_list("pk", "verdict", "updated_at"),
                *DispatchRule.objects.order_by("pk").values_list("pk", "version", "effective_to"),
            ]

        before = stands()
        tried(solo(hours={"from": "00:00", "to": "00:00"}))
        assert stands() == before

    def test_is_written_down_with_the_calls_that_were_shown(self) -> None:
        found = tried(solo(hours={"from": "11:00", "to": "22:00"}))
        entry = Entry.objects.get(action="dry-run")
        assert entry.detail == {"version": "2027-try", "tried": 7, "more": 2, "fewer": 0}
        shown = Entry.objects.get(action="read", subject_type="incident").subject_ids
        assert set(shown) == {one.incident_id for one in found.gained}

    def test_names_no_call_to_whoever_sees_none(self) -> None:
        found = tried(solo(hours={"from": "11:00", "to": "22:00"}), listed=False)
        assert (found.more, found.gained) == (2, [])
        assert not Entry.objects.filter(action="read").exists()

    def test_is_of_the_span_alone(self) -> None:
        assert tried(solo(), days=-2).tried == 0

    def test_a_batch_ends_where_the_next_begins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = tried(solo(hours={"from": "11:00", "to": "21:00"}))
        monkeypatch.setattr(trying, "_BATCH", 2)
        Incident.objects.filter(cad_number__endswith="3").update(
            occurred_at=Incident.objects.get(cad_number__endswith="4").occurred_at
        )
        again = tried(solo(hours={"from": "11:00", "to": "21:00"}))
        assert (again.tried, again.more, again.fewer) == (whole.tried, whole.more, whole.fewer)

    def test_stops_at_the_cap_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trying, "MOST_TRIED", 3)
        found = tried(solo(hours={"from": "11:00", "to": "21:00"}))
        oldest = Incident.objects.get(cad_number__endswith="4")
        assert (found.tried, found.back_to, found.fewer) == (3, oldest.occurred_at, 1)
        monkeypatch.setattr(trying, "MOST_TRIED", 7)
        assert tried(solo()).back_to is None

    def test_takes_as_many_statements_for_many_calls_as_for_few(self) -> None:
        rule = solo()
        with CaptureQueriesContext(connection) as few:
            tried(rule, days=-1)
        with CaptureQueriesContext(connection) as many:
            tried(rule)
        assert len(many) <= len(few) + 2

    def test_beside_those_in_force_nothing_is_lost(self) -> None:
        rule = solo(beats=["K1"], outline=[], hours={"from": "00:00", "to": "00:00"})
        found = dry_run(
            rule=rule,
            instead=None,
            calls=Incident.objects.all(),
            since=NOON - timedelta(days=2),
            until=NOON + timedelta(days=2),
            listed=True,
            by=SYSTEM,
            now=NOON,
        )
        assert (found.more, found.fewer) == (1, 0)


def parsed(text: str) -> datetime:
    """A time as the city publishes it, by its clock."""
    return datetime.strptime(f"{text} +0000", "%m/%d/%Y %I:%M:%S %p %z")


@pytest.mark.django_db(transaction=True)
def test_one_is_counted_at_a_time(loaded: None, elsewhere: Elsewhere) -> None:
    with transaction.atomic():
        tried(solo())
        with pytest.raises(ProblemError) as problem:
            elsewhere.start(lambda: tried(solo())).result(60)
    assert problem.value.problem is THROTTLED
    tried(solo())


def test_agrees_with_a_count_over_the_citys_own_calls(loaded: None, cad: CAD) -> None:
    """Of real calls, as the city publishes them, put on one day: by their hours alone."""
    path = shared_data("cad", "seattle_cad_calls_full_columns.csv")
    alone()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    hand: Counter[bool] = Counter()
    for number, row in enumerate(rows):
        queued = parsed(row["original_time_queued"])
        heard = datetime.combine(YESTERDAY, queued.time(), SEATTLE)
        type = row["initial_call_type"]
        cad.tell(
            cad_number=f"26{number:09}",
            received_at=heard.isoformat(),
            updated_at=at(0),
            initial_call_type=type,
            beat=row["beat"],
            narrative=[],
            exclusions=dict.fromkeys(EXCLUSIONS, "no"),
        )
        if common_type_of(type) in common_types():
            hand[12 <= heard.hour < 22] += 1
    terms = {"common_types": sorted(common_types()), "exclusions": []}
    stands = DispatchRule.objects.get()
    stands.definition = {**stands.definition, **terms}
    DispatchRule.objects.filter(pk=stands.pk).update(definition=stands.definition)
    assert min(hand.values()) > 30
    all_day = tried(solo(**terms, hours={"from": "00:00", "to": "00:00"}))
    assert (all_day.more, all_day.fewer) == (hand[False], 0)
    none = tried(solo(**terms, beats=["U1"], outline=[]))
    assert (none.more, none.fewer) == (0, hand[True])
