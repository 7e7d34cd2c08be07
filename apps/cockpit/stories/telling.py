"""All moments of a story, from the rows of all rooms. Pure."""

from __future__ import annotations

from itertools import chain

from apps.cockpit.stories import of_care, of_facts, of_followups, of_notes, of_people, of_referrals
from apps.cockpit.stories.moments import Moment, in_order
from apps.cockpit.stories.rows import Rows

_SOURCES = (of_facts, of_people, of_notes, of_care, of_referrals, of_followups)


def tell(rows: Rows) -> list[Moment]:
    """In the order of happening."""
    return in_order(chain.from_iterable(source.moments(rows) for source in _SOURCES))
