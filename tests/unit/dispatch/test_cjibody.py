"""Criminal history in bodies that cannot be read as a call."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from apps.dispatch import plain
from apps.dispatch.cji import WITHHELD, found
from apps.dispatch.cjibody import scrub_body
from apps.dispatch.messages import decoded

SECRET = "HAS A FELONY WARRANT"


def clean(body: bytes, encoding: str = "utf-8") -> str:
    """What is kept of a body, which holds none of it."""
    kept, withheld = scrub_body(body)
    text = kept.decode(encoding)
    assert withheld > 0
    assert not found(text.replace(WITHHELD, ""))
    return text


def test_what_holds_none_is_kept_as_it_came() -> None:
    for body in (b'{"cad_number" : 7, "narrative": [', b"\xff\xfe\x00", b"", b'{"a": 1, "a": 2}'):
        assert scrub_body(body) == (body, 0)


class TestJSON:
    def test_keeps_all_but_the_sentence(self) -> None:
        told = {
            "cad_number": "",
            "units": [{"call_sign": "CARE21", "unit_id": "care21@care.seattle.wa.us"}],
            "narrative": [{"text": f"SHE CRIES. {SECRET}, KNIFE. DOG"}],
            "arrests": {"2019": ["burglary"]},
        }
        kept = json.loads(clean(orjson.dumps(told)))
        weapon = f"weapon mentioned; {WITHHELD}"
        assert kept["narrative"] == [{"text": f"SHE CRIES. {weapon}. DOG"}]
        assert kept["arrests"] == WITHHELD
        assert (kept["cad_number"], kept["units"]) == (told["cad_number"], told["units"])

    def test_keeps_known_types_and_names_where_they_are_due(self) -> None:
        known = "WARRANT - FELONY PICKUP"
        told = {
            "initial_call_type": known,
            "units": [{"unit_id": "sid123456@care"}],
            "narrative": known,
        }
        kept, withheld = scrub_body(orjson.dumps(told))
        assert (json.loads(kept), withheld) == ({**told, "narrative": WITHHELD}, 1)

    def test_finds_words_that_have_markup_in_them(self) -> None:
        assert WITHHELD in clean(b'{"text": "calm. FELONY <b>WAR</b>RANT"}')

    def test_that_is_mended_is_the_same_call_as_without_having_been_kept(self) -> None:
        kept = decoded(clean(orjson.dumps({**plain.EXAMPLE, "narrative": SECRET})).encode())
        assert {**kept, "narrative": []} == {**plain.EXAMPLE, "narrative": []}

    def test_nested_deeper_than_can_be_walked_is_read_as_a_text(self) -> None:
        deep = b"[" * 5000 + orjson.dumps(SECRET) + b"]" * 5000
        assert clean(deep).startswith("[" * 5000 + f'"{WITHHELD}"')


class TestABrokenText:
    def test_keeps_its_numbers(self) -> None:
        body = f'{{"cad_number": "2026000000001" "narrative": "SHE CRIES. {SECRET}", "beat": "M3"}}'
        kept = clean(body.encode())
        assert kept == body.replace(SECRET, WITHHELD)

    @pytest.mark.parametrize(
        "hidden", ["calm\\n" + SECRET, "calm\\tWARRANT", "\\u0057ARRANT", "FELONY\\nWARRANT"]
    )
    def test_hides_nothing_behind_escapes(self, hidden: str) -> None:
        assert WITHHELD in clean(f'{{"text": "{hidden}",,}}'.encode())

    @pytest.mark.parametrize(
        ("value", "rest"),
        [
            ('"2019 burglary"', ', "beat": "M3"'),
            ("[1, 2]", ', "beat": "M3"'),
            ('{"year": "2019", "for": ["burglary"]}', ', "beat": "M3"'),
            ('["burglary", {"a": 1', ""),
        ],
    )
    def test_keeps_nothing_under_a_key_of_it(self, value: str, rest: str) -> None:
        kept, withheld = scrub_body(f'{{,"bookings": {value}{rest}'.encode())
        assert withheld
        assert kept.decode().endswith(f'"{WITHHELD}"{rest}')


@pytest.mark.parametrize(
    ("told", "kept_as"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-8"), ("utf-16-le", "utf-8")],
)
def test_encodings_of_unicode_are_read(told: str, kept_as: str) -> None:
    body: Any = f'{{"address": "CAFÉ", "text": "{SECRET}"'
    assert "CAFÉ" in clean(body.encode(told), kept_as)


def test_what_is_no_unicode_keeps_its_other_bytes() -> None:
    body = '{"address": "CAFÉ", "text": "%s"}'
    kept, withheld = scrub_body((body % SECRET).encode("latin-1"))
    assert withheld == 1
    assert kept == (body % WITHHELD).encode("latin-1")
