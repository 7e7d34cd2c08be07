"""Encounters as a NEMSIS 3.5.1 EMSDataSet, one PatientCareReport each, for medical review.

CARE is no licensed EMS agency: the file is for the fire department's medical review and for
whoever studies overdoses, not for submission to a state. What only an ambulance knows (payment,
triage, arrest, hospital) is marked Not Applicable; what nobody wrote down, Not Recorded. There is
no name, no address and no birth date in it; a narrative only where it was asked for.

A report is built alone and written, so that a file of any length takes the memory of one report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.firstaid.aid import Aid
from apps.firstaid.doses import Dose
from apps.firstaid.exports.care import Care, Patient, Response
from apps.firstaid.exports.elements import (
    NOT_APPLICABLE,
    NOT_RECORDED,
    Group,
    clean,
    fitting,
)
from apps.firstaid.exports.nemsis_care import crew_member, medications, procedures, vitals
from apps.firstaid.exports.nemsis_codes import (
    BARRIERS,
    BY_OTHERS,
    CAREGIVER_AT_SCENE,
    FIRE,
    HOMELESS,
    LAW_ENFORCEMENT,
    MENTAL_STATUS,
    NO_EQUIPMENT,
    NO_LIGHTS,
    NON_EMERGENT,
    NON_PATIENT_TRANSPORT,
    NONE_NOTED,
    NOT_LOCATED,
    OTHER_NON_HEALTHCARE,
    OTHER_REASON,
    SERVICE,
    SERVICES,
    SEXES,
    STAGED,
    YEARS,
    Disposition,
    disposition_of,
    injury_possible,
    known,
)

SOFTWARE: Final = "Carefield"
# As in pyproject.toml, which is not installed with the product.
VERSION: Final = "0.1.0"
# eNarrative.01 holds 10,000 characters.
LONGEST_NARRATIVE: Final = 10_000
_CUT: Final = " [cut: the record holds more]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """Who writes the file. `state`, `county`: ANSI codes. CARE has no licence and so no number of
    a state's: `number` (at most 15 characters) is one of our own that says so."""

    number: str
    name: str
    state: str
    county: str


def head(agency: Agency) -> bytes:
    """What stands before the reports."""
    group = Group.of("DemographicGroup")
    group.put("dAgency.01", agency.number)
    group.put("dAgency.02", agency.number)
    group.put("dAgency.04", agency.state)
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<EMSDataSet xmlns="http://www.nemsis.org"'
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        b"  <Header>\n" + group.as_bytes(2)
    )


def tail() -> bytes:
    """What stands after them."""
    return b"  </Header>\n</EMSDataSet>\n"


def report(care: Care, agency: Agency) -> bytes:
    """One PatientCareReport, as it stands in the document."""
    root = Group.of("PatientCareReport", UUID=str(care.report_id))
    disposition = disposition_of(care)
    _record(root.group("eRecord"), care)
    _response(root.group("eResponse"), care.response, agency)
    _dispatch(root.group("eDispatch"), care.response)
    _crew(root, care)
    _times(root.group("eTimes"), care.response)
    _patient(root.group("ePatient"), care.patient)
    root.group("ePayment").put_absent(("ePayment.01", "ePayment.50"), NOT_APPLICABLE)
    _scene(root.group("eScene"), care, agency)
    _situation(root.group("eSituation"), care)
    injury = root.group("eInjury")
    injury.put_absent(("eInjury.01",), _of_contact(care))
    injury.put_absent(("eInjury.03", "eInjury.04"), NOT_APPLICABLE)
    _arrest(root.group("eArrest"), care)
    history = root.group("eHistory")
    history.put_each("eHistory.01", _barriers(care), absent=_of_contact(care))
    history.put_absent(("eHistory.17",), _of_contact(care))
    _narrative(root, care)
    vitals(root.group("eVitals"), care)
    _exam(root, care)
    # CARE works by its own instructions, not by a protocol for EMS.
    protocols = root.group("eProtocols").group("eProtocols.ProtocolGroup")
    protocols.put_absent(("eProtocols.01",), NOT_APPLICABLE)
    medications(root.group("eMedications"), care)
    procedures(root.group("eProcedures"), care)
    _disposition(root.group("eDisposition"), disposition)
    _outcome(root.group("eOutcome"), disposition)
    return root.as_bytes(2)


def _of_contact(care: Care) -> str:
    """Why something about a person is not there: it was not written down, or there was nobody."""
    return NOT_RECORDED if care.contact else NOT_APPLICABLE


def _record(group: Group, care: Care) -> None:
    group.put("eRecord.01", str(care.id))
    software = group.group("eRecord.SoftwareApplicationGroup")
    software.put("eRecord.02", SOFTWARE)
    software.put("eRecord.03", SOFTWARE)
    software.put("eRecord.04", VERSION)


def _response(group: Group, told: Response, agency: Agency) -> None:
    ours = group.group("eResponse.AgencyGroup")
    ours.put("eResponse.01", agency.number)
    ours.put_known("eResponse.02", agency.name)
    group.put("eResponse.03", fitting(told.cad_number, 3, 50))
    group.put("eResponse.04", str(told.id))
    service = group.group("eResponse.ServiceGroup")
    service.put("eResponse.05", SERVICES.get(told.entry_kind, SERVICE))
    group.put("eResponse.07", NO_EQUIPMENT)
    group.put_absent(("eResponse.08", "eResponse.09"), NOT_RECORDED)
    delays = (
        *((STAGED,) if "staged" in told.times else ()),
        *((NOT_LOCATED,) if told.closing == "unable_to_locate" else ()),
    )
    group.put_each("eResponse.10", delays)
    group.put_absent(("eResponse.11", "eResponse.12"), NOT_APPLICABLE)
    group.put("eResponse.13", told.unit)
    group.put("eResponse.14", told.unit)
    group.put("eResponse.23", NON_EMERGENT)
    group.put("eResponse.24", NO_LIGHTS)


def _dispatch(group: Group, told: Response) -> None:
    group.put("eDispatch.01", told.call_type or OTHER_REASON)
    group.put("eDispatch.02", None)
    group.put_known("eDispatch.06", fitting(told.cad_number, 3, 50))


def _crew(root: Group, care: Care) -> None:
    """The responders who gave or did something, by an id that names nobody."""
    acts: list[Dose | Aid] = [*care.doses, *care.aids]
    members = sorted({member for act in acts if (member := crew_member(act))})
    if not members:
        return
    crew = root.group("eCrew")
    for member in members:
        group = crew.group("eCrew.CrewGroup")
        group.put("eCrew.01", member)
        group.put("eCrew.02", OTHER_NON_HEALTHCARE)
        group.put("eCrew.03", CAREGIVER_AT_SCENE)


def _times(group: Group, told: Response) -> None:
    times = told.times
    group.put("eTimes.01", told.called_at, absent=NOT_APPLICABLE)
    group.put("eTimes.03", told.notified_at)
    group.put_known("eTimes.04", times.get("acknowledged"))
    group.put("eTimes.05", times.get("en_route"))
    group.put("eTimes.06", times.get("on_scene"))
    group.put("eTimes.07", times.get("contact"))
    group.put("eTimes.09", times.get("transporting"), absent=NOT_APPLICABLE)
    group.put("eTimes.11", times.get("at_destination"), absent=NOT_APPLICABLE)
    group.put("eTimes.12", None, absent=NOT_APPLICABLE)
    group.put("eTimes.13", told.back_in_service_at)
    if told.closing == "cancelled":
        group.put_known("eTimes.14", told.back_in_service_at)
    group.put_known("eTimes.17", times.get("staged"))


def _patient(group: Group, patient: Patient | None) -> None:
    why = NOT_RECORDED if patient else NOT_APPLICABLE
    if patient:
        group.put("ePatient.01", str(patient.id))
    group.put_absent(("ePatient.07", "ePatient.08", "ePatient.09", "ePatient.14"), why)
    age = patient.age if patient and patient.age and 1 <= patient.age <= 120 else None
    years = group.group("ePatient.AgeGroup")
    years.put("ePatient.15", age, absent=why)
    years.put("ePatient.16", YEARS if age else None, absent=why)
    if patient and patient.homeless:
        group.put("ePatient.22", HOMELESS)
    if patient:
        group.put_known("ePatient.25", known(patient.sex, SEXES))


def _scene(group: Group, care: Care, agency: Agency) -> None:
    """No place but state and county: the fire department knows the call by its number."""
    group.put_absent(("eScene.01",), NOT_APPLICABLE)
    others = (
        (LAW_ENFORCEMENT, care.response.police_on_scene),
        (FIRE, care.response.fire_on_scene),
    )
    for code, there in others:
        if there:
            group.group("eScene.ResponderGroup").put("eScene.04", code)
    group.put_absent(("eScene.06", "eScene.07"), NOT_RECORDED)
    group.put_absent(("eScene.08",), NOT_APPLICABLE)
    group.put_absent(("eScene.09",), NOT_RECORDED)
    group.put("eScene.18", agency.state)
    group.put_absent(("eScene.19",), NOT_RECORDED)
    group.put("eScene.21", agency.county)


def _situation(group: Group, care: Care) -> None:
    """CARE makes no diagnosis: symptoms and impressions are never recorded."""
    why = _of_contact(care)
    group.put_absent(("eSituation.01",), why)
    group.put("eSituation.02", injury_possible(care), absent=why)
    group.put_absent(("eSituation.07", "eSituation.08", "eSituation.09", "eSituation.10"), why)
    group.put_absent(("eSituation.11", "eSituation.12"), NOT_APPLICABLE)
    group.put_absent(("eSituation.13", "eSituation.18"), why)
    group.put_absent(("eSituation.20",), NOT_APPLICABLE)


def _arrest(group: Group, care: Care) -> None:
    group.put_absent(("eArrest.01",), _of_contact(care))
    numbers = ("02", "03", "04", "07", "09", "11", "12", "14", "16", "17", "18", "20", "21", "22")
    group.put_absent((f"eArrest.{number}" for number in numbers), NOT_APPLICABLE)


def _barriers(care: Care) -> list[str]:
    """That none was noted does not stand beside one that another part of the record tells."""
    known = [code for code in care.barriers if code in BARRIERS]
    return [code for code in known if code != NONE_NOTED] or known


def _exam(root: Group, care: Care) -> None:
    """The one look at a person that a note has: of their mind. When it was, nobody wrote."""
    found = [code for code in care.mental_status if code in MENTAL_STATUS]
    if found:
        looked = root.group("eExam").group("eExam.AssessmentGroup")
        looked.put_each("eExam.19", found)


def _narrative(root: Group, care: Care) -> None:
    text = clean(care.narrative or "")
    if not text:
        return
    if len(text) > LONGEST_NARRATIVE:
        text = text[: LONGEST_NARRATIVE - len(_CUT)] + _CUT
    root.group("eNarrative").put("eNarrative.01", text)


def _disposition(group: Group, told: Disposition) -> None:
    moved = told.transport in {BY_OTHERS, NON_PATIENT_TRANSPORT}
    there = NOT_RECORDED if moved else NOT_APPLICABLE
    destination = group.group("eDisposition.DestinationGroup")
    destination.put_absent(("eDisposition.05", "eDisposition.06", "eDisposition.07"), there)
    incident = group.group("eDisposition.IncidentDispositionGroup")
    incident.put_coded("eDisposition.27", told.unit)
    incident.put_coded("eDisposition.28", told.evaluation)
    incident.put_coded("eDisposition.29", told.crew)
    incident.put_coded("eDisposition.30", told.transport)
    # How this unit carried a patient: it carries none.
    group.put_absent(("eDisposition.16", "eDisposition.17", "eDisposition.18"), NOT_APPLICABLE)
    group.put_coded("eDisposition.19", told.acuity)
    group.put_absent(("eDisposition.20", "eDisposition.21"), there)
    group.put_absent(("eDisposition.22", "eDisposition.23"), NOT_APPLICABLE)
    team = group.group("eDisposition.HospitalTeamActivationGroup")
    team.put_absent(("eDisposition.24", "eDisposition.25"), NOT_APPLICABLE)
    group.put_coded("eDisposition.32", told.level)


def _outcome(group: Group, told: Disposition) -> None:
    """What a hospital knows: Carefield is not told, and most are brought to none."""
    why = NOT_RECORDED if told.transport == BY_OTHERS else NOT_APPLICABLE
    group.put_absent(("eOutcome.01", "eOutcome.02"), why)
    emergency = group.group("eOutcome.EmergencyDepartmentProceduresGroup")
    emergency.put_absent(("eOutcome.09", "eOutcome.19"), why)
    group.put_absent(("eOutcome.10", "eOutcome.11"), why)
    hospital = group.group("eOutcome.HospitalProceduresGroup")
    hospital.put_absent(("eOutcome.12", "eOutcome.20"), why)
    group.put_absent(("eOutcome.13", "eOutcome.16", "eOutcome.18"), why)
