from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.people.matching import keys, likeness, wanted

NAMES = st.text(max_size=20)
PERSONS = st.fixed_dictionaries(
    {},
    optional={
        "given_name": NAMES | st.none(),
        "family_name": NAMES | st.none(),
        "aliases": st.lists(NAMES, max_size=3) | st.none(),
        "birth_year": st.integers(1890, 2030) | st.none(),
    },
)


@given(PERSONS)
def test_everybody_who_has_a_key_finds_themselves(person: dict[str, object]) -> None:
    assert keys(person) <= wanted(person)


@given(PERSONS, PERSONS)
def test_likeness_has_no_direction_and_stays_between_0_and_1(
    one: dict[str, object], other: dict[str, object]
) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1


def test_a_year_that_is_one_off_is_still_found() -> None:
    one = {"given_name": "Dana", "birth_year": 1981}
    assert keys(one) & wanted({"given_name": "Dana", "birth_year": 1982})
    assert not keys(one) & wanted({"given_name": "Dana", "birth_year": 1984})


def test_the_nameless_have_no_keys() -> None:
    assert keys({"description": "the man with the grey dog", "approximate_age": 45}) == frozenset()


def test_more_aliases_than_anybody_has_are_not_looked_at() -> None:
    """Two lists of thousands would be compared for minutes, while everybody else waits."""
    many = {"aliases": [f"name {n}" for n in range(1000)]}
    assert likeness({"aliases": ["name 19"]}, many) == 1.0
    assert len(keys(many)) <= 20
    other = {"aliases": [f"another {n}" for n in range(1000)]}
    assert likeness({"aliases": ["another 999"]}, other) < 1.0
