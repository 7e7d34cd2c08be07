"""The verbs of people. Nothing else writes these rows."""

from apps.people.services.encounters import (
    follow_assignment,
    keep_for,
    let_go,
    open_encounter,
    write_encounter,
)
from apps.people.services.persons import show_person, write_person

__all__ = [
    "follow_assignment",
    "keep_for",
    "let_go",
    "open_encounter",
    "show_person",
    "write_encounter",
    "write_person",
]
