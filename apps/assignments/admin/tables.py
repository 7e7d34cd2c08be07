"""What happened on an assignment, and the handoff, as tables to be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.assignments import codes, documents
from apps.assignments.records import Record
from apps.assignments.timeline.corrections import Entry
from apps.core.admin import NOTHING, duration, table, when

_HEADS = ("time", "what", "unit", "told by", "details", "doubts")
# Told beside the details: the acknowledged version of the call is a number for machines.
_HIDDEN = frozenset({"call_revision"})
_TYPED = frozenset({"note", "reason"})
_SCENE = {"secured": "secured", "unsafe": "no longer safe", "not_stated": "not stated"}


def words(code: str | None) -> str:
    """A code as a person reads it."""
    return (code or NOTHING).replace("_", " ")


def event(code: str) -> str:
    """An event by its label; one that this version does not know by its code."""
    kind = codes.EVENTS.get(code)
    return kind.label if kind else words(code)


def flag(code: str) -> str:
    """A doubt in words."""
    return codes.FLAGS.get(code, words(code))


def happened(record: Record) -> SafeString:
    """Every fact by the time that it counts with: devices whose clocks are wrong are put right, and
    a time that cannot be used gives way to that of arrival. What was taken back stays, and says so.
    """
    facts = {fact.pk: fact for fact in record.facts}
    timed = [(entry.at or entry.fact.received_at, entry) for entry in record.timeline.history]
    return table(
        _HEADS,
        (
            (
                when(at),
                event(entry.event) + (" (taken back)" if taken_back(entry) else ""),
                fact.unit or NOTHING,
                fact.author or fact.get_source_display(),
                _as_text(entry.data),
                "; ".join(flag(one) for one in record.flags_of(fact)),
            )
            for at, entry in sorted(timed, key=lambda pair: pair[0])
            for fact in [facts[entry.fact.id]]
        ),
    )


def taken_back(entry: Entry) -> bool:
    """Whether a fact was taken back, and that stands."""
    return any(one.takes_back and one.in_force for one in entry.corrections)


def handoff(record: Record) -> SafeString:
    """The ledger: agencies and units, never a responder."""
    told = documents.handoff(record)
    secured = told["secured"] or {}
    parts = [
        ("scene", _scene(told["scene"], secured)),
        ("police", _agency(told["police"])),
        ("fire", _agency(told["fire"])),
        ("CARE cleared", when(told["care_cleared_at"])),
        ("CARE declined", table(("time", "by", "reason"), _declined(told["declined"]))),
        ("asked for", table(("time", "what", "by"), _requests(told["requests"]))),
    ]
    return table((), ((format_html("<strong>{}</strong>", name), part) for name, part in parts))


def details(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a fact tells beside its event, for people: (name, what was told)."""
    for name, value in data.items():
        if name not in _HIDDEN and value not in (None, "") and not isinstance(value, dict | list):
            yield words(name), _value(name, value)


def _as_text(data: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {said}" for name, said in details(data))


def _value(name: str, value: Any) -> str:
    """What was chosen, in words; what was typed, as it was typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "disposition":
        return codes.DISPOSITIONS.get(str(value), str(value))
    return str(value) if name in _TYPED else words(str(value))


def _scene(scene: str, secured: Mapping[str, Any]) -> SafeString:
    if not secured:
        return format_html("{}", _SCENE.get(scene, scene))
    by = codes.SECURED_BY.get(secured["agency"] or "", "somebody")
    return format_html("secured by {} at {}", by, when(secured["at"]))


def _agency(told: Mapping[str, Any]) -> SafeString:
    if not told["units"]:
        return format_html("{}", "not there")
    heads = ("unit", "arrived", "released", "decided by", "CARE agreed", "time given back")
    sum_ = "" if told["complete"] else " so far"
    return format_html(
        "{}<p>Given back in all{}: <strong>{}</strong></p>",
        table(heads, _stays(told["units"])),
        sum_,
        _minutes(told["seconds_given_back"]),
    )


def _stays(units: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    agreed = {True: "yes", False: "no", None: NOTHING}
    for unit in units:
        for stay in unit["stays"] or [{}]:
            arrived, released = stay.get("arrived") or {}, stay.get("released") or {}
            decided = codes.RELEASE_DECIDED_BY.get(stay.get("decided_by") or "", NOTHING)
            yield (
                unit["unit"],
                when(arrived.get("at")),
                when(released.get("at")),
                decided,
                agreed[stay.get("care_agreed")],
                _minutes(unit["seconds_given_back"]),
            )


def _declined(declined: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for one in declined:
        by = one["unit"] or codes.AGENCIES.get(one["agency"] or "", NOTHING)
        yield when(one["at"]), by, words(one["reason"])


def _requests(requests: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for one in requests:
        yield when(one["at"]), words(one["kind"]), codes.AGENCIES.get(one["agency"] or "", NOTHING)


def _minutes(seconds: int | None) -> str:
    return "not known" if seconds is None else duration(seconds)
