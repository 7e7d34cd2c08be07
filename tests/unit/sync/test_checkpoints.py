from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.changes.reading import Head
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.sync import checkpoints
from apps.sync.checkpoints import START, Position

HOLDER = uuid7()
POSITION = Position(Head(472, 90_210), uuid7())


def signed(position: Position = POSITION, **changed: object) -> str:
    place: dict[str, object] = {"holder": HOLDER, "collection": "assignments", "schema": 1}
    return checkpoints.sign(position, **(place | changed))  # type: ignore[arg-type]


def read(text: str, *, holder: UUID = HOLDER, collection: str = "assignments") -> Position:
    return checkpoints.read(text, holder=holder, collection=collection)


@given(
    st.builds(
        Position,
        st.builds(Head, st.integers(0, 2**63 - 1), st.integers(0, 9 * 10**15)),
        st.uuids(),
    )
)
def test_a_checkpoint_says_where_it_was_made(position: Position) -> None:
    assert read(signed(position)) == position


def test_the_beginning_has_one_too() -> None:
    assert read(signed(START)) == START


def test_the_same_position_is_the_same_text() -> None:
    assert signed() == signed()


def test_it_is_one_word_of_an_address() -> None:
    assert set(signed()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def refusal(text: str, **place: object) -> str:
    with pytest.raises(ProblemError) as raised:
        read(text, **place)  # type: ignore[arg-type]
    assert raised.value.problem.code == "bad-checkpoint"
    assert raised.value.status_code == 400
    return raised.value.text


def test_of_another_local_database() -> None:
    assert "another local database" in refusal(signed(), holder=uuid7())


def test_of_another_collection() -> None:
    assert "another collection" in refusal(signed(), collection="facts")


@given(st.data())
def test_altered_anywhere_it_is_refused(data: st.DataObject) -> None:
    text = signed()
    at = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.sampled_from("ABCDabcd0123-_").filter(lambda c: c != text[at]))
    refusal(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("text", ["", "x", "ä", "a b", "%%%", "A" * 96, "A" * 5000, "null"])
def test_what_was_never_a_checkpoint(text: str) -> None:
    refusal(text)


def test_of_a_server_with_another_key(settings: object) -> None:
    text = signed()
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    assert "another server" in refusal(text)


def test_a_changed_key_leaves_old_checkpoints_valid(settings: object) -> None:
    text = signed()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]  # type: ignore[attr-defined]
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]
    assert read(text) == POSITION
