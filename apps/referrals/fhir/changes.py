"""What a partner says by the Task that it sends: the verbs of `states`, in order. Pure.

A status that has changed is a verb; so are an appointment, an attendance and a question that were
not there before. What is not the partner's to change is refused, not ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from apps.core.clock import iso
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.referrals.codes import REASONS, TASK_STATUSES
from apps.referrals.fhir import terms
from apps.referrals.fhir.resources import id_in
from apps.referrals.states import NEGATIVE

# The verb that leads to a status, by whoever is asked.
VERBS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accepted": "accept",
        "rejected": "decline",
        "in-progress": "begin",
        "on-hold": "hold",
        "failed": "not_served",
        "completed": "served",
    }
)
# As many as by any other way: all of them stand in the document on the crew's tablets.
MOST_SERVICES: Final = 20
_VALUE_SET: Final = "SDOHCC-ValueSetReferralTaskStatus"


@dataclass(frozen=True)
class Stands:
    """How the task stands that is to be changed. `said` (PHI) as `ReferralTask.said`."""

    id: UUID
    referral_id: UUID
    partner_id: UUID
    status: str
    attended: bool | None
    case_number: str | None = field(repr=False)
    said: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Change:
    """One verb, and what goes with it, as `answers.Said` takes it."""

    verb: str
    told: dict[str, Any] = field(repr=False)


def changes(body: Any, before: Stands) -> list[Change]:
    """What a Task says that is not so yet. INVALID with the FHIRPath of each element to mend."""
    if not isinstance(body, Mapping) or body.get("resourceType") != "Task":
        raise _unfit("Task", "Not a Task.")
    if body.get("id") != str(before.id):
        raise _unfit("Task.id", "The id is not that of the address.")
    _stays(body, before)
    status = body.get("status")
    if not isinstance(status, str) or status not in TASK_STATUSES:
        raise _unfit("Task.status", f"No code of {_VALUE_SET}.")
    outputs = _outputs(body)
    found = [*_appointment(outputs, before), *_attendance(outputs, before)]
    if status != before.status:
        found.append(_status(status, body, outputs))
    found += _question(body, before)
    return _with_case_number(found, body, before)


def _stays(body: Mapping[str, Any], before: Stands) -> None:
    """What only CARE changes."""
    for name, kind, id in (
        ("focus", "ServiceRequest", before.referral_id),
        ("owner", "Organization", before.partner_id),
    ):
        told = body.get(name)
        if told is not None and (
            not isinstance(told, Mapping) or id_in(told.get("reference"), kind) != id
        ):
            raise _unfit(f"Task.{name}", "It is not yours to change.")
    if body.get("intent") != "order":
        raise _unfit("Task.intent", "A request to fulfil is always an order.")


def _status(status: str, body: Mapping[str, Any], outputs: Mapping[str, list[Any]]) -> Change:
    verb = VERBS.get(status)
    if verb is None:
        raise _unfit("Task.status", "Only CARE sets this status: reject, or fail, with a reason.")
    told: dict[str, Any] = {}
    if status in NEGATIVE:
        reason = body.get("statusReason")
        reason = reason if isinstance(reason, Mapping) else {}
        text = reason.get("text")
        if not isinstance(text, str) or not text.strip():
            raise _unfit("Task.statusReason.text", f"Say why: it is required with {status}.")
        told["reason"] = _short(text.strip(), "Task.statusReason.text")
        if code := _code(reason, terms.REASON, REASONS):
            told["reason_code"] = code
    if len(outputs["service"]) > MOST_SERVICES:
        raise _unfit("Task.output", f"At most {MOST_SERVICES} services.")
    if verb == "served" and outputs["service"]:
        told["services"] = outputs["service"]
    return Change(verb, told)


def _appointment(outputs: Mapping[str, list[Any]], before: Stands) -> list[Change]:
    if not outputs["appointment"]:
        return []
    told = {"appointment_at": outputs["appointment"][-1]}
    if outputs["appointment-place"]:
        told["appointment_place"] = outputs["appointment-place"][-1]
    if all(before.said.get(name) == one for name, one in told.items()):
        return []
    return [Change("appointment", told)]


def _attendance(outputs: Mapping[str, list[Any]], before: Stands) -> list[Change]:
    if not outputs["attended"] or outputs["attended"][-1] == before.attended:
        return []
    return [Change("attended" if outputs["attended"][-1] else "not_attended", {})]


def _question(body: Mapping[str, Any], before: Stands) -> list[Change]:
    texts = [
        str(one["text"]) for one in _items(body.get("note")) if isinstance(one.get("text"), str)
    ]
    if not texts or texts[-1] == before.said.get("question"):
        return []
    return [Change("ask", {"text": _short(texts[-1], "Task.note.text")})]


def _with_case_number(found: list[Change], body: Mapping[str, Any], before: Stands) -> list[Change]:
    """The partner's own number goes with the first thing that it says. Alone it goes with the yes
    that was said already."""
    numbers = [
        str(one["value"])
        for one in _items(body.get("identifier"))
        if one.get("system") == terms.CASE_NUMBER and one.get("value")
    ]
    if not numbers or numbers[-1] == before.case_number:
        return found
    told = {"case_number": _short(numbers[-1], "Task.identifier", 200)}
    if found:
        return [Change(found[0].verb, {**found[0].told, **told}), *found[1:]]
    if before.status in {"accepted", "in-progress"}:
        return [Change("accept", told)]
    raise _unfit("Task.identifier", "Send your number together with a status.")


_OUTPUT_TYPES: Final = {
    "appointment": "valueDateTime",
    "appointment-place": "valueString",
    "attended": "valueBoolean",
    "service": "valueString",
}


def _outputs(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values of the outputs that we know, by our code. Others are the partner's own business,
    but a `resulting-activity` is a service: by its text, or its code's display."""
    found: dict[str, list[Any]] = {name: [] for name in _OUTPUT_TYPES}
    for number, one in enumerate(_items(body.get("output"))):
        kind = one.get("type") if isinstance(one.get("type"), Mapping) else {}
        assert isinstance(kind, Mapping)
        if _code(kind, terms.SDOH, {"resulting-activity": ""}):
            if text := _text(one.get("valueCodeableConcept")):
                found["service"].append(text)
            continue
        code = _code(kind, terms.OUTPUT, _OUTPUT_TYPES)
        if code is None:
            continue
        where = f"Task.output[{number}].{_OUTPUT_TYPES[code]}"
        found[code].append(_value(code, one.get(_OUTPUT_TYPES[code]), where))
    return found


def _value(code: str, value: Any, where: str) -> Any:
    if code == "attended":
        if not isinstance(value, bool):
            raise _unfit(where, "true or false.")
        return value
    if not isinstance(value, str) or not value.strip() or len(value) > 200:
        raise _unfit(where, "From 1 to 200 signs.")
    if code != "appointment":
        return _short(value.strip(), where)
    try:
        at = datetime.fromisoformat(value)
        told = iso(at)
    except (ValueError, OverflowError):  # the last: an hour of year 10,000 by our clock
        raise _unfit(where, "A time such as 2026-03-06T14:30:00-08:00.") from None
    if at.tzinfo is None:
        raise _unfit(where, "A time with its zone: 2026-03-06T14:30:00-08:00.")
    return told


def _short(text: str, where: str, longest: int = 8000) -> str:
    if len(text) > longest:
        raise _unfit(where, f"At most {longest} signs.")
    if "\0" in text:
        raise _unfit(where, "No text holds the sign NUL.")
    return text


def _text(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    displays = [str(one["display"]) for one in _items(value.get("coding")) if one.get("display")]
    return str(value.get("text") or "; ".join(displays))[:200]


def _code(value: Mapping[str, Any], system: str, known: Mapping[str, Any]) -> str | None:
    for one in _items(value.get("coding")):
        code = one.get("code")
        if one.get("system") == system and isinstance(code, str) and code in known:
            return code
    return None


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _unfit(path: str, text: str) -> ProblemError:
    return ProblemError(INVALID, errors=[FieldError(path, text)])
