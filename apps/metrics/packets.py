"""What is given out: figures with their definitions, small cells left out. Pure.

`Content` is plain JSON, so that it can be frozen: {version, period: {first, last, zone}, figures:
[{code, title, says, numerator_is, denominator_is, missing_is, unit, source, value, p90, numerator,
denominator, missing, parts: {name: count or null}}], response_by_hour, response_by_beat: {name:
{value, p90, count}}, declined: {agency:reason: count}, left_out: how many cells}. null: left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from apps.metrics import cells
from apps.metrics.definitions import DEFINITIONS, VERSION
from apps.metrics.figures import CALLED_OFF, SENT, Value
from apps.metrics.periods import Period

Content = dict[str, Any]
# Shares whose parts are ends of the same dispatches: shown as counts beside their total.
_COUNTED: Final = frozenset({"dispatches", "outcomes", "records"})
# Of the same dispatches, whose number stands beside them: what they count tells what is missing.
_OF_DISPATCHES: Final = frozenset({"response", "contact", "outcomes", "records"})
# Of which parts another figure tells the sum: those sent, by who was responded to or is missing
# from it; those called off, by the denominator of contact.
_KNOWN_SUMS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "dispatches": ("response", frozenset(SENT)),
    "outcomes": ("contact", CALLED_OFF),
}
# Among parts: what is missing from them. No packet shows it there.
_MISSING: Final = "missing"


def content(
    period: Period,
    values: Mapping[str, Value],
    *,
    by_hour: Mapping[str, Value],
    by_beat: Mapping[str, Value],
    declined: Mapping[str, int],
) -> Content:
    """The frozen shape of a period's figures."""
    shown = [_figure(code, values) for code in DEFINITIONS]
    found: Content = {
        "version": VERSION,
        "period": {
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "zone": period.zone.key,
        },
        "figures": shown,
        "response_by_hour": _spread(by_hour, values["response"]),
        "response_by_beat": _spread(by_beat, values["response"]),
        "declined": _declined(declined),
    }
    return {**found, "left_out": _left_out(found)}


def digest(told: Content) -> str:
    """The SHA-256 of its canonical JSON: what stands on paper can be held against it."""
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _figure(code: str, values: Mapping[str, Value]) -> dict[str, Any]:
    said, value = DEFINITIONS[code], values[code]
    known = _tellable(code, value)
    counted = _is_counted(code, values)
    shown = _rounded(code, value, counted=counted) if known else None
    return {
        "code": code,
        "title": said.title,
        "says": said.says,
        "numerator_is": said.numerator,
        "denominator_is": said.denominator,
        "missing_is": said.missing,
        "unit": said.unit,
        "source": said.source,
        "value": shown,
        "p90": value.p90 if known else None,
        "numerator": value.numerator if counted else None,
        "denominator": value.denominator if counted else None,
        "missing": value.missing if counted and not cells.is_small(value.missing) else None,
        "hidden": shown is None and value.value is not None,
        "parts": _parts(code, values) if known else {},
    }


def _tellable(code: str, value: Value) -> bool:
    """Whether none of the cells that it is made of is small: who is in it, who is not, and both."""
    if code in ("police_minutes", "fire_minutes"):
        units = int(value.denominator)
        return not any(cells.is_small(count) for count in (units, units - value.missing))
    counted = [int(value.numerator)]
    if code != "doses":
        counted += [int(value.denominator), int(value.denominator - value.numerator)]
    if code == "contact":
        # What was called off follows from this denominator and from that of `outcomes`.
        counted += [int(part.numerator) for part in value.parts.values()]
    return not any(cells.is_small(count) for count in counted)


def _is_counted(code: str, values: Mapping[str, Value]) -> bool:
    """Whether its counts may be shown: they are of many, and tell of no few beside them."""
    return _tellable(code, values[code]) and not _few_beside(code, values)


def _few_beside(code: str, values: Mapping[str, Value]) -> int:
    """The few that follow from its counts and the number of dispatches: who is missing from it; of
    response, who was not sent by anybody. 0: none."""
    if code not in _OF_DISPATCHES:
        return 0
    value, others = values[code], 0
    if code == "response":
        others = int(values["dispatches"].denominator - value.denominator) - value.missing
    return next((count for count in (value.missing, others) if cells.is_small(count)), 0)


def _rounded(code: str, value: Value, *, counted: bool) -> float | None:
    """The value as far as it tells no count that is left out: a count does, and so does a share to
    a tenth, of a number that is nearly known."""
    if counted or value.value is None or code == "response":
        return value.value
    return None if code == "outcomes" else round(value.value)


def _parts(code: str, values: Mapping[str, Value]) -> dict[str, int | None]:
    """Counts beside a total: those of each group whose sum is known hide each other."""
    if code not in _COUNTED:
        return {}
    value = values[code]
    counts = {name: int(part.numerator) for name, part in value.parts.items()}
    # Those with none of the parts are a cell like the others: it follows from them.
    rest = int(value.denominator) - sum(counts.values())
    none = {"none": rest} if rest else {}
    if few := _few_beside(code, values):
        return _beside_missing({**counts, **none}, few)
    other, group = _KNOWN_SUMS.get(code, ("", frozenset()))
    if other and _is_counted(other, values):
        inside = {name: count for name, count in counts.items() if name in group}
        outside = {name: count for name, count in counts.items() if name not in group}
        found = cells.shown(inside) | cells.shown(outside)
        return {name: found[name] for name in counts}
    # Numerator and denominator stand beside them: with them what has none is known, and never few.
    return {**cells.shown(counts), **none}


def _beside_missing(counts: Mapping[str, int], missing: int) -> dict[str, int | None]:
    """Counts of a total in which what is missing is a cell too."""
    found = cells.shown({**counts, _MISSING: missing})
    return {name: found[name] for name in counts}


def _spread(values: Mapping[str, Value], whole: Value) -> dict[str, dict[str, Any]]:
    """A figure by hour or by beat; `whole`: that of all of them."""
    told = {name: int(value.denominator) for name, value in values.items()}
    counts = _beside_missing(told, whole.missing if cells.is_small(whole.missing) else 0)
    return {
        name: {
            "value": value.value if counts[name] is not None else None,
            "p90": value.p90 if counts[name] is not None else None,
            "count": counts[name],
        }
        for name, value in values.items()
    }


def _declined(told: Mapping[str, int]) -> dict[str, int | None]:
    """Each agency's by themselves: how often one declined may stand among the ends of dispatches,
    or be known to it."""
    agencies = {name.partition(":")[0] for name in told}
    found: dict[str, int | None] = {}
    for agency in agencies:
        of = {name: count for name, count in told.items() if name.partition(":")[0] == agency}
        found |= cells.shown(of)
    return {name: found[name] for name in told}


def _left_out(told: Content) -> int:
    spreads = [*told["response_by_hour"].values(), *told["response_by_beat"].values()]
    counted: int = (
        sum(one["hidden"] for one in told["figures"])
        + sum(count is None for one in told["figures"] for count in one["parts"].values())
        + sum(one["count"] is None for one in spreads)
        + sum(count is None for count in told["declined"].values())
    )
    return counted
