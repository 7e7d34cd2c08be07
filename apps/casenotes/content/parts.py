"""What a case note holds: one table of its fields, and what follows from it.

Times, place, units and the handoff are the timeline's, doses and first aid have records of their
own: a note shows them and holds none of them. Each field of the document is merged on its own, a
part (an object) field by field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from apps.assignments.codes import DISPOSITION_CODES, DISPOSITIONS
from apps.casenotes import codes
from apps.casenotes.content import cssrs, grave
from apps.casenotes.content.shapes import Code, Codes, Field, Id, Part, Text, Time
from apps.sync.canonical import canonical
from apps.sync.policies import Policy

Content = Mapping[str, Any]

RETRY: Final = Part(
    {
        "again": Code(codes.RETRY, "note_retry"),
        "not_before": Time("when it makes sense to look again"),
        "where": Text("where to look next"),
        "ask": Text("who may know more"),
    },
    "after unable to locate: whether and where to look next",
)

FIELDS: Final[Mapping[str, Field]] = MappingProxyType(
    {
        "encounter_id": Id("the encounter that it is about; it may come later"),
        "assignment_id": Id("the assignment of that encounter; it may come later"),
        "outcome": Code(codes.OUTCOMES, "note_outcomes"),
        "presenting_needs": Codes(codes.PRESENTING_NEEDS, "note_presenting_needs"),
        "screen": cssrs.SCREEN,
        "mental_status": Codes(codes.MENTAL_STATUS, "note_mental_status", "NEMSIS eExam.19"),
        "barriers": Codes(codes.BARRIERS, "note_barriers", "NEMSIS eHistory.01"),
        "interventions": Codes(codes.INTERVENTIONS, "note_interventions"),
        "supplies": Codes(codes.SUPPLIES, "note_supplies", "what was given"),
        "disposition": Code(
            DISPOSITIONS,
            "dispositions",
            "APCO 1.111.2; not asked where the timeline has one",
            taken=DISPOSITION_CODES,
        ),
        "narrative": Text("in the crew's words; no name of an officer"),
        "retry_plan": RETRY,
        **grave.PARTS,
    }
)

# What a signature is for. Everything that is written by people is in it, and nothing else.
SIGNED_FIELDS: Final = tuple(FIELDS)

# The properties of a note document that a client writes.
CONTENT_SCHEMA: Final[dict[str, dict[str, Any]]] = {
    name: field.schema() for name, field in FIELDS.items()
}

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {name: field.policy for name, field in FIELDS.items()}
)


def content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What people wrote in a note document: its fields that are there, without the server's."""
    return {name: document[name] for name in SIGNED_FIELDS if document.get(name) is not None}


def content_hash(content: Content) -> str:
    """What a signature names: SHA-256 as 64 hexadecimal digits.

    Over the canonical JSON (UTF-8, keys in order, no blanks, whole numbers without a point) of the
    `SIGNED_FIELDS` that are there; a field that is null is not there. A tablet computes the same.
    """
    return hashlib.sha256(canonical(content_of(content))).hexdigest()


def problems(content: Content) -> list[str]:
    """What is odd about a note, as flags: a code of `codes.FLAGS`, and after a colon the field that
    it is about. Nothing is refused for it; flags hold no values."""
    return sorted(set(_problems(content)))


def _problems(content: Content) -> Iterator[str]:
    for name, field in FIELDS.items():
        if content.get(name) is not None:
            yield from field.flags(name, content[name])
    if cssrs.contradicts(grave.part_of(content, "screen")):
        yield "screen_contradiction:screen"
    yield from grave.odd(content)
