"""What Carefield's words are in NEMSIS 3.5.1.

Codes and labels are those of the NEMSIS schemas (3.5.1.250403CP1). The mappings are this project's
own, after the lists of `apps.dispatch` and `apps.assignments`; the medical director and the 911
centre are to confirm them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from apps.assignments.codes import RESPONDER_STARTED
from apps.firstaid import codes
from apps.firstaid.exports.care import Care
from apps.firstaid.exports.elements import NOT_APPLICABLE, NOT_RECORDED

YES: Final = "9923003"
NO: Final = "9923001"


def yes_no(value: bool | None) -> str | None:
    """The codes of YesNoValues."""
    return None if value is None else YES if value else NO


# eResponse.05: mobile integrated health care encounter, unless nobody in particular was looked for.
SERVICE: Final = "2205031"
SERVICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "patrol": "2205011",  # public assistance
        "community_engagement": "2205021",  # support services
    }
)
NO_EQUIPMENT: Final = "2207027"  # eResponse.07: non-transport, no medical equipment
NON_EMERGENT: Final = "2223005"  # eResponse.23: CARE drives without lights and siren
NO_LIGHTS: Final = "2224019"  # eResponse.24
STAGED: Final = "2210023"  # eResponse.10: safety of the crew, staging
NOT_LOCATED: Final = "2210007"  # eResponse.10: directions, unable to locate

# eDispatch.01 where the type of the call has no code of its own: no other appropriate choice.
OTHER_REASON: Final = "2301051"
OVERDOSE: Final = "2301053"

OTHER_NON_HEALTHCARE: Final = "9925025"  # eCrew.02, as `codes.GIVERS` has it for doses
CAREGIVER_AT_SCENE: Final = "2403007"  # eCrew.03
YEARS: Final = "2516009"  # ePatient.16
SEXES: Final = frozenset({"9919001", "9919003", "9919005"})  # ePatient.25
HOMELESS: Final = "2522001"  # ePatient.22
LAW_ENFORCEMENT: Final = "2704009"  # eScene.04
FIRE: Final = "2704003"  # eScene.04
INJURED: Final = "9922005"  # eSituation.02
NOT_INJURED: Final = "9922001"
_WOUNDS: Final = frozenset(
    {"bleeding", "wound", "wound_infected", "burn", "head", "fall", "fracture", "sprain", "bite"}
)

BARRIERS: Final = frozenset(str(code) for code in range(3101001, 3101036, 2))  # eHistory.01
NONE_NOTED: Final = "3101009"
# eExam.19
MENTAL_STATUS: Final = frozenset(str(code) for code in range(3519001, 3519050, 2)) - {"3519019"}
NEGATIVE_MEDICINES: Final = frozenset(codes.PERTINENT_NEGATIVES)
NEGATIVE_PROCEDURES: Final = frozenset({"8801001", "8801003", codes.REFUSED, "8801023"})
NEGATIVE_VITALS: Final = frozenset({codes.REFUSED, "8801023"})


def injury_possible(care: Care) -> str | None:
    """eSituation.02: yes with a wound of any kind, no where none was seen, else nobody said."""
    seen = {injury for aid in care.aids for injury in aid.injuries}
    if seen & _WOUNDS:
        return INJURED
    return NOT_INJURED if "none" in seen else None


def known(code: str, among: Container[str]) -> str | None:
    """The code, if the element may hold it: an old tablet may have sent another one."""
    return code if code in among else None


# --- eDisposition ---------------------------------------------------------------------------------
CONTACT_MADE: Final = "4227001"
CANCELLED_ON_SCENE: Final = "4227003"
CANCELLED_BEFORE: Final = "4227005"
NO_CONTACT: Final = "4227007"
NO_PATIENT_FOUND: Final = "4227009"
NON_PATIENT: Final = "4227011"

CARE_PROVIDED: Final = "4228001"
EVALUATED_REFUSED: Final = "4228003"
NO_CARE_REQUIRED: Final = "4228005"
REFUSED: Final = "4228007"
SUPPORT: Final = "4228009"

INITIATED: Final = "4229001"
TRANSFERRED: Final = "4229003"
INCIDENT_SUPPORT: Final = "4229009"
NONE_REQUIRED: Final = "4229011"
SERVICES_REFUSED: Final = "4229013"

BY_OTHERS: Final = "4230005"
NON_PATIENT_TRANSPORT: Final = "4230011"
NO_TRANSPORT: Final = "4230013"

FIRST_AID_LEVEL: Final = "4232001"  # BLS, all levels: what first aid is a part of
INTEGRATED_HEALTH: Final = "4232011"
NO_CARE: Final = "4232013"

# eDisposition.28 and .30 of a contact, by its APCO 1.111.2-2018 disposition.
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "08": (SUPPORT, NO_TRANSPORT),
        "15": (SUPPORT, NO_TRANSPORT),
        "16": (SUPPORT, NON_PATIENT_TRANSPORT),
        "18": (SUPPORT, NO_TRANSPORT),
        "39": (NOT_APPLICABLE, NO_TRANSPORT),
        "41": (NO_CARE_REQUIRED, NO_TRANSPORT),
        "42": (REFUSED, NO_TRANSPORT),
        "43": (CARE_PROVIDED, NO_TRANSPORT),
        "44": (CARE_PROVIDED, BY_OTHERS),
        "45": (CARE_PROVIDED, BY_OTHERS),
    }
)
_HANDED_OVER: Final = frozenset({"44", "45"})
DEAD_AT_SCENE: Final = "39"
# eDisposition.19. Only who died has one: CARE judges nobody else's acuity.
DEAD_UNTREATED: Final = "4219007"  # dead without resuscitation efforts
DEAD_TREATED: Final = "4219009"  # with them
# CPR, AED.
_RESUSCITATION: Final = frozenset({codes.RESCUE_BREATHS, "89666000", "450661000124102"})
_CREWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        SUPPORT: INCIDENT_SUPPORT,
        NO_CARE_REQUIRED: NONE_REQUIRED,
        REFUSED: SERVICES_REFUSED,
        EVALUATED_REFUSED: SERVICES_REFUSED,
    }
)
_LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        CARE_PROVIDED: FIRST_AID_LEVEL,
        SUPPORT: INTEGRATED_HEALTH,
        NO_CARE_REQUIRED: NO_CARE,
        REFUSED: NO_CARE,
        EVALUATED_REFUSED: NO_CARE,
    }
)
_NOT_FOUND: Final = frozenset({"14", "38"})
_CANCELLED: Final = frozenset({"10", "21", "22", "32"})


@dataclass(frozen=True, slots=True)
class Disposition:
    """eDisposition.19, .27 to .30 and .32. A Not Value stands where an element has no code."""

    unit: str
    evaluation: str
    crew: str
    transport: str
    level: str
    acuity: str


def disposition_of(care: Care) -> Disposition:
    """What became of it, from the disposition that closed the call and from what was done.

    What was done weighs more: a call that was settled by contact (18), in which CARE gave a dose,
    is "care provided". Who died where they were found was brought nowhere, whatever closed the
    call.
    """
    acuity = _acuity(care)
    if not care.contact:
        return Disposition(
            _unit_without_contact(care), NOT_APPLICABLE, NOT_APPLICABLE, NO_TRANSPORT,
            NOT_APPLICABLE, acuity,
        )  # fmt: skip
    told = care.response.disposition
    if care.fatal and told not in _HANDED_OVER:
        told = DEAD_AT_SCENE
    evaluation, transport = _OUTCOMES.get(told, (NOT_RECORDED, NOT_RECORDED))
    if gave_care(care):
        evaluation = CARE_PROVIDED
    elif evaluation == REFUSED and any(aid.vitals or aid.level for aid in care.aids):
        evaluation = EVALUATED_REFUSED
    crew = _CREWS.get(evaluation, evaluation)
    if evaluation == CARE_PROVIDED:
        crew = TRANSFERRED if told in _HANDED_OVER else INITIATED
    level = _LEVELS.get(evaluation, evaluation)
    return Disposition(CONTACT_MADE, evaluation, crew, transport, level, acuity)


def _acuity(care: Care) -> str:
    """eDisposition.19. What was given or done before CARE came is no effort of theirs."""
    if not care.fatal:
        return NOT_APPLICABLE
    tried = any(not dose.before_arrival for dose in care.naloxone) or any(
        _RESUSCITATION & set(aid.procedures) and not aid.before_arrival for aid in care.aids
    )
    return DEAD_TREATED if tried else DEAD_UNTREATED


def gave_care(care: Care) -> bool:
    """Whether CARE itself gave a dose or first aid."""
    return any(dose.was_given and dose.given_by == codes.CARE for dose in care.doses) or any(
        aid.procedures and aid.given_by in {"", codes.CARE} and not aid.before_arrival
        for aid in care.aids
    )


def _unit_without_contact(care: Care) -> str:
    told = care.response
    if told.disposition in _NOT_FOUND:
        return NO_PATIENT_FOUND
    if told.closing in {"cancelled", "declined"} or told.disposition in _CANCELLED:
        return CANCELLED_ON_SCENE if "on_scene" in told.times else CANCELLED_BEFORE
    if told.entry_kind in RESPONDER_STARTED - {"follow_up"}:
        return NON_PATIENT
    return NO_CONTACT
