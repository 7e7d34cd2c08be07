"""The verbs of people. Nothing else writes these rows."""

from apps.people.services.encounters import (
    follow_assignment,
    keep_for,
    let_go,
    open_encounter,
    write_encounter,
)
from apps.people.services.glass import (
    ask_about_glass,
    break_glass,
    close_over,
    look_for,
    review_glass,
)
from apps.people.services.merging import merge_persons, review_safety_note, unmerge_person
from apps.people.services.persons import let_unlinked_go, show_person, write_person

__all__ = [
    "ask_about_glass",
    "break_glass",
    "close_over",
    "follow_assignment",
    "keep_for",
    "let_go",
    "let_unlinked_go",
    "look_for",
    "merge_persons",
    "open_encounter",
    "review_glass",
    "review_safety_note",
    "show_person",
    "unmerge_person",
    "write_encounter",
    "write_person",
]
