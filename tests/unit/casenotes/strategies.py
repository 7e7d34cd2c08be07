"""What hypothesis draws notes from."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from apps.assignments.codes import CLOSINGS, DISPOSITIONS
from apps.casenotes import codes
from apps.casenotes.content import RecordFacts, cssrs
from apps.casenotes.content.parts import FIELDS
from tests.factories import NOON

# One of each kind of value that JSON has, readable and not.
anything: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, True, False, 0, -1, 15, 1.5, 10**30),
        *("", " ", "x", "2026-03-04T22:00:00Z", "22:00"),
        *([], [1], ["x"], [None], [{}]),
        *({}, {"x": 1}, {"q1": "yes"}),
    ]
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


answers = some(
    **{name: st.sampled_from([*codes.YES_NO, None, ""]) for name in cssrs.QUESTIONS},
    whole=st.sampled_from([*codes.NOT_ANSWERED, None]),
)

# Every field with anything in it, its own names and codes among that.
_values = anything | st.sampled_from([*codes.OUTCOMES, "39", "42", "care", "no", "yes"])
broken = some(
    **{
        name: _values
        | st.lists(st.sampled_from([*codes.PRESENTING_NEEDS, "?"]))
        | some(**dict.fromkeys(getattr(field, "fields", ()), _values))
        for name, field in FIELDS.items()
    }
)

texts = st.sampled_from(["Seen at the door.", "", "   "])
notes = some(
    outcome=st.sampled_from([*codes.OUTCOMES, None]),
    presenting_needs=st.lists(st.sampled_from([*codes.PRESENTING_NEEDS]), max_size=3),
    screen=answers,
    interventions=st.lists(st.sampled_from([*codes.INTERVENTIONS]), max_size=3),
    disposition=st.sampled_from([*DISPOSITIONS, None]),
    narrative=texts,
    retry_plan=some(where=texts),
    involuntary=some(decided_by=st.sampled_from(["dcr", "police", "care"]), facts_observed=texts),
    refusal=some(capacity=st.sampled_from([*codes.YES_NO]), left=st.just(["water"])),
    death=some(pronounced_by=st.sampled_from([*codes.DEATH_PRONOUNCED_BY])),
)

facts = st.builds(
    RecordFacts,
    at=st.just(NOON),
    contact=st.booleans(),
    doses=st.integers(0, 2),
    aid=st.integers(0, 1),
    closing=st.sampled_from([None, *CLOSINGS]),
    disposition=st.sampled_from([None, *DISPOSITIONS]),
    minor=st.sampled_from([None, True, False]),
)
