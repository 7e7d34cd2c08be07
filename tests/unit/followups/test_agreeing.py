"""On what a follow-up rests: what the person said, or a clinician's reason until its last day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from apps.followups.agreeing import CARRIES_OVER, Said, basis_of
from apps.followups.models import FollowUpAgreement
from apps.followups.records import as_said

START = datetime(2026, 3, 4, 20, 0, tzinfo=UTC)
HERE, ELSEWHERE = UUID(int=1), UUID(int=2)


def said(
    basis: str,
    hours: float = 0,
    *,
    until: date | None = None,
    of: UUID = HERE,
    came: float | None = None,
) -> Said:
    return Said(of, basis, at(hours), at(hours if came is None else came), until)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], "unasked"),
        ([said("agreed")], "agreed"),
        ([said("refused")], "refused"),
        ([said("agreed"), said("refused", 1)], "refused"),
        ([said("refused"), said("agreed", 1)], "agreed"),
        ([said("clinician", until=date(2026, 3, 10))], "clinician"),
        ([said("refused"), said("clinician", 1, until=date(2026, 3, 10))], "clinician"),
        ([said("clinician", until=date(2026, 3, 10)), said("refused", 1)], "refused"),
        ([said("clinician", until=date(2026, 3, 10)), said("agreed", 1)], "agreed"),
        ([said("clinician", until=date(2026, 3, 4)), said("refused", -1)], "refused"),
        ([said("clinician", until=date(2026, 3, 4))], "over"),
        ([said("clinician")], "over"),
    ],
)
def test_what_holds_whatever_came_first(told: list[Said], expected: str) -> None:
    for order in permutations(told):
        assert basis_of(order, at(24)).kind == expected


def test_a_clinicians_reason_opens_until_the_end_of_its_last_day() -> None:
    told = [said("refused"), said("clinician", 1, until=date(2026, 3, 10))]
    over = datetime(2026, 3, 11, 7, 0, tzinfo=UTC)  # midnight in Seattle: since the 8th by DST
    assert basis_of(told, START).ends_at == over
    assert basis_of(told, over - timedelta(seconds=1)).holds
    assert basis_of(told, over).over_at == over
    assert not basis_of(told, over).holds


def test_of_two_reasons_the_one_that_lasts_longer_counts() -> None:
    told = [
        said("clinician", until=date(2026, 3, 20)),
        said("clinician", 1, until=date(2026, 3, 6)),
    ]
    for order in permutations(told):
        assert basis_of(order, at(24 * 10)).held_since == START


def test_a_refusal_says_since_when() -> None:
    assert basis_of([said("agreed"), said("refused", 5)], at(9)).over_at == at(5)


def test_an_agreement_has_no_end() -> None:
    basis = basis_of([said("agreed")], at(10_000))
    assert basis.holds
    assert basis.ends_at is None


def test_of_two_words_at_one_instant_a_refusal_counts() -> None:
    for order in permutations([said("agreed"), said("refused")]):
        assert basis_of(order, at(1)).kind == "refused"


def test_a_clock_ahead_does_not_win_for_ever() -> None:
    told = [said("agreed", 10_000, came=0), said("refused", 1)]
    assert basis_of(told, at(2)).kind == "refused"


@pytest.mark.parametrize(
    ("said_at", "offset_ms", "found"),
    [
        (at(-20), -86_400_000, at(4)),  # a day slow: said after the agreement that it takes back
        (at(4), None, at(4)),
        (at(90), 0, at(5)),  # not after it came
        (datetime(1, 1, 1, tzinfo=UTC), 0, at(5)),  # not before anybody was there
    ],
)
def test_a_stored_word_counts_from_when_it_can_have_been_said(
    said_at: datetime, offset_ms: int | None, found: datetime
) -> None:
    row = FollowUpAgreement(
        encounter_id=HERE,
        basis="refused",
        said_at=said_at,
        received_at=at(5),
        clock_offset_ms=offset_ms,
    )
    assert as_said(row).at == found


class TestWhichEncounterItOpens:
    def test_the_one_in_which_it_was_said(self) -> None:
        assert basis_of([said("agreed", 500)], at(500)).opens(HERE, START)

    def test_one_that_came_after_it_for_a_while(self) -> None:
        basis = basis_of([said("agreed", of=ELSEWHERE)], at(10_000))
        assert basis.opens(HERE, START + CARRIES_OVER)
        assert not basis.opens(HERE, START + CARRIES_OVER + timedelta(seconds=1))

    def test_none_that_was_before_it(self) -> None:
        assert not basis_of([said("agreed", 5, of=ELSEWHERE)], at(6)).opens(HERE, START)

    def test_a_clinicians_as_long_as_it_holds(self) -> None:
        last = (START + timedelta(days=80)).date()
        basis = basis_of([said("clinician", of=ELSEWHERE, until=last)], START + timedelta(days=79))
        assert basis.opens(HERE, START + timedelta(days=78))

    @pytest.mark.parametrize("told", [[], [said("refused")]])
    def test_none_without(self, told: list[Said]) -> None:
        assert not basis_of(told, START).opens(HERE, START)
