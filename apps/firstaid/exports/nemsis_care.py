"""eVitals, eMedications and eProcedures: what was measured, given and done, one group each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from apps.firstaid import codes
from apps.firstaid.aid import Aid
from apps.firstaid.doses import Dose
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.elements import (
    NOT_APPLICABLE,
    NOT_RECORDED,
    Group,
    within,
)
from apps.firstaid.exports.nemsis_codes import (
    NEGATIVE_MEDICINES,
    NEGATIVE_PROCEDURES,
    NEGATIVE_VITALS,
    known,
    yes_no,
)

_CARDIAC: Final = ("eVitals.03", "eVitals.04", "eVitals.05")
# Pulse oximetry, breaths counted, blood glucose, vital signs.
_MEASURING: Final = frozenset({"252465000", "408867002", "33747003", "61746007"})
_RXNORM: Final = re.compile("[0-9]{2,9}")
_SNOMED: Final = re.compile("[1-9][0-9]{5,17}")
_COMA: Final = ("eVitals.19", "eVitals.20", "eVitals.21", "eVitals.22")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was measured or seen at one moment, in codes and units of NEMSIS."""

    at: datetime | None
    before_arrival: bool
    measures: Mapping[str, float] = field(default_factory=dict)
    effort: str = ""
    level: str = ""
    negative: str = ""


def vitals(group: Group, care: Care) -> None:
    """What was measured, and how the person breathed before and after a dose."""
    why = NOT_RECORDED if care.contact else NOT_APPLICABLE
    found = [*_looks(care.aids), *_breathing(care.doses)]
    for one in found or [_Look(at=None, before_arrival=False)]:
        _vitals(group.group("eVitals.VitalGroup"), one, why, measured=bool(found))


def _looks(aids: Iterable[Aid]) -> Iterator[_Look]:
    for aid in aids:
        if aid.vitals or aid.level or aid.breathing:
            yield _Look(
                at=aid.at,
                before_arrival=aid.before_arrival,
                measures=aid.vitals,
                effort=aid.breathing,
                level=aid.level,
            )
        for one in aid.refused:
            if one.procedure in _MEASURING and one.reason in NEGATIVE_VITALS:
                yield _Look(at=aid.at, before_arrival=aid.before_arrival, negative=one.reason)


def _breathing(doses: Iterable[Dose]) -> Iterator[_Look]:
    """The time of the look before a dose is the dose's; when the one after it was, nobody wrote."""
    for dose in doses:
        if dose.breathing_before:
            yield _Look(
                at=dose.at, before_arrival=dose.before_arrival, effort=dose.breathing_before
            )
        if dose.breathing_after:
            yield _Look(at=None, before_arrival=dose.before_arrival, effort=dose.breathing_after)


def _vitals(group: Group, one: _Look, why: str, *, measured: bool) -> None:
    def put(inside: Group, name: str) -> None:
        value = _measure(one, name)
        negative = one.negative if value is None else ""
        inside.put(codes.VITALS[name].element, value, absent=why, negative=negative)

    group.put("eVitals.01", one.at, absent=why)
    group.put("eVitals.02", yes_no(one.before_arrival) if measured else None, absent=why)
    # Nobody of CARE has a monitor, or scores a coma.
    group.group("eVitals.CardiacRhythmGroup").put_absent(_CARDIAC, NOT_APPLICABLE)
    pressure = group.group("eVitals.BloodPressureGroup")
    put(pressure, "systolic")
    pressure.put_known("eVitals.07", _measure(one, "diastolic"))
    put(group.group("eVitals.HeartRateGroup"), "pulse")
    put(group, "oxygen")
    put(group, "respiratory_rate")
    group.put_known("eVitals.15", known(one.effort, codes.BREATHING))
    group.put_absent(("eVitals.16",), NOT_APPLICABLE)
    put(group, "glucose")
    group.group("eVitals.GlasgowScoreGroup").put_absent(_COMA, NOT_APPLICABLE)
    if (warmth := _measure(one, "temperature", digits=1)) is not None:
        group.group("eVitals.TemperatureGroup").put("eVitals.24", warmth)
    group.put("eVitals.26", known(one.level, codes.LEVELS), absent=why)
    group.group("eVitals.PainScaleGroup").put_absent(("eVitals.27",), why)
    stroke = group.group("eVitals.StrokeScaleGroup")
    stroke.put_absent(("eVitals.29", "eVitals.30"), NOT_APPLICABLE)
    group.put_absent(("eVitals.31",), NOT_APPLICABLE)


def _measure(one: _Look, name: str, digits: int = 0) -> Decimal | None:
    value = one.measures.get(name)
    return None if value is None else round(Decimal(str(value)), digits)


def medications(group: Group, care: Care) -> None:
    """One group a dose; where there was none, one that says so."""
    # A dose that was not given, for a reason that has no word here, would read as one that was.
    doses = [dose for dose in care.doses if dose.was_given or dose.withheld in NEGATIVE_MEDICINES]
    for dose in doses:
        _medication(group.group("eMedications.MedicationGroup"), dose)
    if not doses:
        none = group.group("eMedications.MedicationGroup")
        _absent(none, "eMedications", ("01", "02", "03", "04"))
        _absent(none.group("eMedications.DosageGroup"), "eMedications", ("05", "06"))
        _absent(none, "eMedications", ("07", "08", "10"))


def _medication(group: Group, dose: Dose) -> None:
    # Of what was not given there is no amount and no effect.
    why = NOT_RECORDED if dose.was_given else NOT_APPLICABLE
    group.put("eMedications.01", dose.at)
    group.put("eMedications.02", yes_no(dose.before_arrival))
    group.put(
        "eMedications.03",
        dose.drug if _RXNORM.fullmatch(dose.drug) else None,
        negative=dose.withheld,
    )
    group.put("eMedications.04", known(dose.route, codes.ROUTES), absent=why)
    amount = group.group("eMedications.DosageGroup")
    amount.put("eMedications.05", within(dose.amount, 0, 999_999, 3), absent=why)
    amount.put("eMedications.06", known(dose.amount_unit, codes.UNITS), absent=why)
    group.put("eMedications.07", known(dose.response, codes.RESPONSES), absent=why)
    complications = [code for code in dose.complications if code in codes.COMPLICATIONS]
    group.put_each("eMedications.08", complications, absent=why)
    group.put_known("eMedications.09", crew_member(dose))
    group.put("eMedications.10", _role(dose.given_by), absent=why)
    group.put_known("eMedications.11", known(dose.authorization, codes.AUTHORIZATIONS))


def procedures(group: Group, care: Care) -> None:
    """One group a procedure, also one that was refused; where there was none, one that says so."""
    acts = [
        (aid, code, reason)
        for aid in care.aids
        for code, reason in (
            *((code, "") for code in aid.procedures),
            *((one.procedure, one.reason) for one in aid.refused),
        )
        if not reason or reason in NEGATIVE_PROCEDURES
    ]
    for act in acts:
        _procedure(group.group("eProcedures.ProcedureGroup"), *act)
    if not acts:
        none = group.group("eProcedures.ProcedureGroup")
        _absent(none, "eProcedures", ("01", "02", "03", "05", "06", "07", "08", "10"))


def _procedure(group: Group, aid: Aid, code: str, negative: str) -> None:
    why = NOT_APPLICABLE if negative else NOT_RECORDED
    group.put("eProcedures.01", aid.at)
    group.put("eProcedures.02", yes_no(aid.before_arrival))
    value = code if _SNOMED.fullmatch(code) else None
    group.put("eProcedures.03", value, negative=negative)
    # Attempts, success and complications are asked of an ambulance's procedures; nobody logs them,
    # and how the person is afterwards is said of the whole, not of one act.
    _absent(group, "eProcedures", ("05", "06", "07", "08"), why)
    if not negative:
        group.put_known("eProcedures.09", crew_member(aid))
    group.put("eProcedures.10", None if negative else _role(aid.given_by), absent=why)


def crew_member(act: Dose | Aid) -> str | None:
    """Who of CARE gave or did it: whoever wrote it down. Of two who worked together that is one."""
    is_ours = act.given_by == codes.CARE and not act.before_arrival
    return str(act.author_id) if is_ours and act.author_id else None


def _absent(group: Group, section: str, numbers: Iterable[str], why: str = NOT_APPLICABLE) -> None:
    group.put_absent((f"{section}.{number}" for number in numbers), why)


def _role(giver: str) -> str | None:
    found = codes.GIVERS.get(giver)
    return found.role if found else None
