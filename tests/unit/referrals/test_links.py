from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.referrals.links import (
    CODES_AN_HOUR,
    CODES_AN_HOUR_TO_A_CONTACT,
    RETRIES,
    new_code,
    retry_at,
    typed_code,
    wait_for_code,
)
from apps.referrals.pages.shown import sections, told_nothing
from apps.referrals.shapes import A_CALL_US, A_TOLD
from tests.factories import NOON

CITY = ZoneInfo("America/Los_Angeles")


class TestCodes:
    def test_are_six_digits(self) -> None:
        assert all(typed_code(new_code()) for _ in range(100))

    @pytest.mark.parametrize("text", ["123456", "123 456", "123-456", " 123456 "])
    def test_are_read_as_people_type_them(self, text: str) -> None:
        assert typed_code(text) == "123456"

    @pytest.mark.parametrize("text", ["", "12345", "1234567", "12345a", "\u0661" * 6])
    def test_nothing_else_is_one(self, text: str) -> None:
        assert typed_code(text) is None

    def test_one_link_gets_a_few_an_hour(self) -> None:
        made = [NOON + timedelta(minutes=n) for n in range(CODES_AN_HOUR)]
        now = NOON + timedelta(minutes=10)

        assert wait_for_code(of_link=made[1:], to_contact=[], now=now) is None
        assert wait_for_code(of_link=made, to_contact=[], now=now) == timedelta(minutes=50)

    def test_one_contact_gets_so_many_of_all_links(self) -> None:
        made = [NOON] * CODES_AN_HOUR_TO_A_CONTACT

        assert wait_for_code(of_link=[], to_contact=made[1:], now=NOON) is None
        assert wait_for_code(of_link=[], to_contact=made, now=NOON) == timedelta(hours=1)


def test_what_cannot_be_sent_is_tried_again_and_given_up() -> None:
    waits = [retry_at(n, NOON) for n in range(1, len(RETRIES) + 2)]

    assert waits[:-1] == [NOON + timedelta(seconds=one) for one in RETRIES]
    assert waits[-1] is None


class TestThePage:
    def test_shows_every_value_that_was_told(self) -> None:
        text = repr(sections(A_TOLD, zone=CITY))

        told = ["Dana", "es", "Can walk. Has a dog.", "Shelter, a place to sleep", "Tonight"]
        assert [one for one in told if one not in text] == []
        assert "Wed Mar 4 2026, 3:00 PM" in text
        assert A_TOLD["id"] not in text

    def test_shows_what_it_has_no_label_for(self) -> None:
        found = sections({**A_TOLD, "person": {"shoe_size": ["9", "9 wide"]}}, zone=CITY)

        [who] = [one for one in found if one.title == "Who"]
        assert who.lines == (("Shoe size", "9"), ("Shoe size", "9 wide"))

    def test_shows_the_pieces_of_a_piece(self) -> None:
        contacts = [{"kind": "phone", "value": "206-555-0100", "preferred": True}]
        found = sections({**A_TOLD, "person": {"contacts": contacts}}, zone=CITY)

        [who] = [one for one in found if one.title == "Who"]
        assert who.lines == (("Reach them by", "kind: phone; 206-555-0100; preferred: Yes"),)

    def test_carries_the_statement_and_the_consent(self) -> None:
        more = {"notice": "42 CFR part 2 ...", "consents": [{"by": "Dana Reyes", "to": ["A", "B"]}]}
        found = sections({**A_TOLD, **more}, zone=CITY)

        assert found[-1].lines == (
            ("Notice", "42 CFR part 2 ..."),
            ("Consent", "by: Dana Reyes; to: A, B"),
        )

    def test_knows_that_nothing_was_told(self) -> None:
        assert told_nothing(A_CALL_US)
        assert not told_nothing(A_TOLD)
