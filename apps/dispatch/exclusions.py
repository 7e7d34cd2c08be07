"""What a call says about each thing that a dispatch rule may exclude: yes, no or unknown.

"No" is only what the source itself states; silence is unknown. Free text never states a "no": notes
that speak of a weapon turn a stated "no" into unknown, whatever they say of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.dispatch.calls import EXCLUSIONS, Answer, Call
from apps.dispatch.cji import WITHHELD
from apps.dispatch.hazards import Hazard, mentions
from apps.dispatch.wire import words


@dataclass(frozen=True, slots=True)
class Evidence:
    """The answer for one exclusion, and what it rests on, in plain words."""

    answer: Answer
    because: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gathered:
    yes: list[str] = field(default_factory=list)
    no: list[str] = field(default_factory=list)
    doubt: list[str] = field(default_factory=list)

    def evidence(self) -> Evidence:
        if self.yes:
            return Evidence("yes", tuple(dict.fromkeys(self.yes)))
        if self.doubt or not self.no:
            return Evidence("unknown", tuple(dict.fromkeys(self.doubt)))
        return Evidence("no", tuple(dict.fromkeys(self.no)))


# What a call type denies or leaves out is not what it tells of.
_DENIED = re.compile(r"\((?:NO|EXCL|EXCEPT|NON)\b[^)]*\)|\bNO [^()-]*|\bNON[- ][A-Z/]+|\bNOT DV\b")
_BY_TYPE: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "weapon": r"WEAPO?N|WITH WEAPONS|FIREARM|\bGUN\b|SHOTS|SHOOTING|\bSHOT\b|\bARMED\b|BOMB"
        r"|EXPLO",
        "violence": r"ASLT|ASSAULT|FIGHT|ROBBERY|\bRAPE\b|\(RAPE\)|MOLEST|HOMICIDE|\bDV\b|DOMESTIC"
        r"|THREATS|SHOTS|SHOOTING|\bSHOT\b|KIDNAP|CARJACK|HELP THE OFFICER|\bABUSE",
        "minor": r"\bCHILD\b|JUVENILE|\bMINORS?\b|RUNAWAY",
        "residence": r"RESIDENTIAL|\bRESD?\b|\bRESN\b",
        "business": r"\bCOMM\b|COMMERCIAL|\bBANKS?\b|SHOPLIFT|BUSINESS",
        "encampment": r"ENCAMPMENT",
        "drug_use": r"NARCOTIC|OVERDOSE|\(OD\)|\bDRUG\b",
        "medical": r"OVERDOSE|\(OD\)|SICK PERSON|MEDIC\b|INJUR|CASUALTY|\bDOA\b",
        "confrontational": r"ASLT|ASSAULT|FIGHT|THREATS|AGGRESSIVE|ROBBERY",
    }.items()
}
_BY_COMMON: dict[str, frozenset[str]] = {
    "weapon": words("ACTSHOOT BOMB NCRASLTWF SHOOT STABBING WEAPON"),
    "violence": words(
        "ABDUCTF ABDUCTNF ABUSE ACTSHOOT ASSAULT BARICADE CARJACK CU1 DVA FAS FASX FIGHT HLP1"
        " HOMICIDE HOSTAGE MTLV NCRASLTWF RESIST ROBBERY SEXOFFNS SHOOT STABBING THREATS"
    ),
    "minor": words("CURFEW JUV RUNAWAY SCH TRUANT"),
    "residence": words("ALMR FAPT"),
    "business": words("ALMB SHOPLIFT"),
    "drug_use": words("DRUGPAR DRUGS OD"),
    "medical": words(
        "ABDOM ALLERGIC ALRMED ALS BLEEDING BLS BURN CARDIAC CHESPAIN CHOKE DIABETIC HEMRG NCRCPRF"
        " OD PERUNCON PREG RESP RESPARR SEIZURE SICK STROKE TRAUMA TRAUMAP"
    ),
    "confrontational": words("ASSAULT FIGHT HOSTAGE MTLV RESIST ROBBERY THREATS"),
}
#: Common types that state the absence of something in their very words.
_DENIED_BY_COMMON = {"MNTL": "violence", "DVNA": "violence"}
_NO_WEAPONS = re.compile(r"\(NO WEAPONS\)")
# Place types of RFC 4589. A place of one kind is not of the other.
_HOMES = frozenset({"residence"})
_BUSINESSES = words(
    "arena bank bar cafe club convention-center hotel industrial office restaurant shopping-area"
    " stadium store theater warehouse"
)
_NEITHER = words(
    "airport automobile bus bus-station bicycle cycle government hospital library motorcycle"
    " outdoors parking place-of-worship prison public public-transport school street train"
    " train-station truck underway water watercraft"
)
_BY_PREMISE: dict[str, re.Pattern[str]] = {
    "residence": re.compile(
        r"\b(?:apartments?|apts?|condo\w*|house|home|residen\w+|duplex)\b", re.IGNORECASE
    ),
    "business": re.compile(
        r"\b(?:business|store|shop|restaurant|hotel|motel|bank|office|bar)\b", re.IGNORECASE
    ),
    "encampment": re.compile(r"\b(?:encampment|tents?|camp)\b", re.IGNORECASE),
}
_BY_HAZARD: dict[Hazard, str] = {
    "weapon": "weapon",
    "violence": "violence",
    "medical": "medical",
    "self_harm": "medical",
}


def derive(call: Call) -> Mapping[str, Evidence]:
    """Evidence for every exclusion, from hints, cautions, types, premise and notes."""
    gathered = {name: _Gathered() for name in EXCLUSIONS}
    _from_hints(call, gathered)
    _from_cautions(call, gathered)
    _from_types(call, gathered)
    _from_premise(call, gathered)
    _from_text((note.text for note in call.narrative), "notes", gathered)
    _from_text((extra.value for extra in call.extras), "parts not shown", gathered)
    if gathered["violence"].yes:
        gathered["confrontational"].yes.append("violence")
    if gathered["weapon"].yes:
        # Nothing may be called free of violence while a weapon is reported.
        gathered["violence"].doubt.append("weapon reported")
        gathered["confrontational"].doubt.append("weapon reported")
    return {name: found.evidence() for name, found in gathered.items()}


def _from_hints(call: Call, gathered: dict[str, _Gathered]) -> None:
    for hint in call.exclusions:
        found = gathered.get(hint.name)
        if found is None:
            continue
        if hint.answer == "yes":
            found.yes.append("stated by the source")
        elif hint.answer == "no":
            found.no.append("stated by the source")
        else:
            found.doubt.append("stated as unknown by the source")


def _from_cautions(call: Call, gathered: dict[str, _Gathered]) -> None:
    for caution in call.cautions:
        if caution.kind in ("weapon", "violence", "medical"):
            gathered[caution.kind].yes.append("caution")
        for hazard in mentions(caution.text):
            if hazard in ("weapon", "violence"):
                gathered[hazard].yes.append("caution")
            elif hazard in _BY_HAZARD:
                gathered[_BY_HAZARD[hazard]].doubt.append("caution speaks of it")
        if WITHHELD in caution.text:
            gathered["weapon"].doubt.append("caution withheld in part")
            gathered["violence"].doubt.append("caution withheld in part")


def _from_types(call: Call, gathered: dict[str, _Gathered]) -> None:
    others = [a.value for a in call.alternates if a.element.startswith("incidentType")]
    for text in (call.initial_call_type, call.final_call_type, *others):
        told = _DENIED.sub(" ", text.upper())
        for name, pattern in _BY_TYPE.items():
            if pattern.search(told):
                gathered[name].yes.append("call type")
        if _NO_WEAPONS.search(text.upper()):
            gathered["weapon"].no.append("call type")
    for code in (call.common_type, *others):
        for name, codes in _BY_COMMON.items():
            if code.upper() in codes:
                gathered[name].yes.append("call type")
    denied = _DENIED_BY_COMMON.get(call.common_type)
    if denied:
        gathered[denied].no.append("call type")


def _from_premise(call: Call, gathered: dict[str, _Gathered]) -> None:
    kind = call.premise_type.lower()
    if kind in _HOMES | _BUSINESSES | _NEITHER:
        for name, kinds in (("residence", _HOMES), ("business", _BUSINESSES)):
            answer = gathered[name].yes if kind in kinds else gathered[name].no
            answer.append("kind of premise")
    for name, pattern in _BY_PREMISE.items():
        if pattern.search(call.premise):
            gathered[name].yes.append("premise")


def _from_text(texts: Iterable[str], where: str, gathered: dict[str, _Gathered]) -> None:
    for text in texts:
        for hazard in mentions(text):
            if hazard in _BY_HAZARD:
                gathered[_BY_HAZARD[hazard]].doubt.append(f"{where} speak of it")
        if WITHHELD in text:
            gathered["weapon"].doubt.append(f"{where} withheld in part")
            gathered["violence"].doubt.append(f"{where} withheld in part")
