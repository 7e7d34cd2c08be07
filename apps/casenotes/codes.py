"""Words of a case note: codes with their labels, and where they come from.

`MENTAL_STATUS` is NEMSIS 3.5.1 eExam.19, `BARRIERS` eHistory.01, both whole. Dispositions are those
of APCO 1.111.2-2018 (`apps.assignments.codes`). `PRESENTING_NEEDS` is this project's own: no
standard has a list for mobile crisis teams. `LANE_COUNTY_REASONS` maps it to the reasons for
dispatch that Lane County's mobile crisis data use, for comparison; the rest are needs that CARE's
calls bring and that list has no word for. All other lists are this project's own.

A list that has "none" or "none_apparent" has it because blank is unknown: who saw no need says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NEMSIS: Final = "NEMSIS 3.5.1"
OWN: Final = "Carefield"

OUTCOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contact_made": "Contact made",
        "unable_to_locate": "Unable to locate",
        "refused": "Refused",
        "cancelled": "Cancelled",
    }
)

PRESENTING_NEEDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "suicidality": "Suicidal thoughts or attempt",
        "agitation": "Agitation or disruptive behavior",
        "disorganized": "Disorganized behavior",
        "paranoia": "Paranoia",
        "harm_risk": "Harm, or risk of it, to self, others or property",
        "functioning": "Difficulty functioning",
        "services": "In need of social or mental health services",
        "treatment": "Concern about treatment or medication",
        "substance_use": "Substance use",
        "overdose": "Overdose",
        "person_down": "Person down or asleep",
        "interpersonal": "Trouble with others",
        "trauma": "Trauma",
        "grief": "Grief or loss",
        "running_away": "Ran away",
        "domestic_violence": "Violence at home",
        "child_concern": "Concern that a child is abused or neglected",
        "vulnerable_adult_concern": "Concern that a vulnerable adult is abused or neglected",
        "medical": "Medical concern",
        "shelter": "Shelter",
        "food_water": "Food or water",
        "clothing_hygiene": "Clothing or hygiene",
        "transport": "A way to get somewhere",
        "none_apparent": "No need seen",
        "other": "Another need",
    }
)

# Labels as they stand in Lane County's mobile crisis data.
LANE_COUNTY_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "suicidality": "Suicidality or suicide attempt",
        "agitation": "Agitation or disruptive behavior",
        "disorganized": "Disorganized behavior",
        "paranoia": "Paranoia",
        "harm_risk": "Harm/risk of harm to self/others/property",
        "functioning": "Difficulty functioning",
        "services": "Needing social/mental health services",
        "treatment": "Concerns about treatment engagement",
        "substance_use": "Substance use",
        "overdose": "Substance use",
        "interpersonal": "Adult Social/interpersonal problems",
        "trauma": "Trauma",
        "running_away": "Running away",
        "other": "Other",
    }
)

MENTAL_STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "3519001": "Combative",
        "3519003": "Confused",
        "3519005": "Hallucinations",
        "3519007": "Normal Baseline for Patient",
        "3519009": "Not Done",
        "3519011": "Oriented-Person",
        "3519013": "Oriented-Place",
        "3519015": "Oriented-Event",
        "3519017": "Oriented-Time",
        "3519021": "Unresponsive",
        "3519023": "Agitation",
        "3519025": "Somnolent",
        "3519027": "Stupor",
        "3519029": "Altered mental status, unspecified",
        "3519031": "Developmentally Impaired",
        "3519033": "Disorientation, unspecified",
        "3519035": "Pharmacologically Paralyzed",
        "3519037": "Pharmacologically Sedated",
        "3519039": "Psychologically Impaired",
        "3519041": "Slowness and poor responsiveness",
        "3519043": "State of emotional shock and stress, unspecified",
        "3519045": "Strange and inexplicable behavior",
        "3519047": "Uncooperative",
        "3519049": "Unspecified coma",
    }
)

BARRIERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "3101001": "Cultural, Custom, Religious",
        "3101003": "Developmentally Impaired",
        "3101005": "Hearing Impaired",
        "3101007": "Language",
        "3101009": "None Noted",
        "3101011": "Obesity",
        "3101013": "Physical Barrier (Unable to Access Patient)",
        "3101015": "Physically Impaired",
        "3101017": "Physically Restrained",
        "3101019": "Psychologically Impaired",
        "3101021": "Sight Impaired",
        "3101023": "Speech Impaired",
        "3101025": "Unattended or Unsupervised (including minors)",
        "3101027": "Unconscious",
        "3101029": "Uncooperative",
        "3101031": "State of Emotional Distress",
        "3101033": "Alcohol Use, Suspected",
        "3101035": "Drug Use, Suspected",
    }
)

# What the crew did. Doses, first aid and referrals have records of their own and are not told here.
INTERVENTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "de_escalation": "De-escalation",
        "support": "Emotional support",
        "safety_plan": "Safety plan made with the person",
        "means_safety": "Means of harm put out of reach",
        "basic_needs": "Basic needs met",
        "information": "Information on services",
        "family_contact": "Family or friends contacted",
        "care_contact": "The person's own care team contacted",
        "crisis_line": "Connected to 988 or the crisis line",
        "warm_handoff": "Handed over to a partner in person",
        "dcr_requested": "Designated crisis responder requested",
        "medics_requested": "Fire or medics requested",
        "police_requested": "Police requested",
        "interpreter": "Interpreter used",
        "transport": "Taken somewhere, of their own will",
        "stayed": "Stayed until others took over",
        "none": "None",
        "other": "Something else",
    }
)

# Naloxone kits are not among them: a kit left behind is a movement of stock.
SUPPLIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "water": "Water",
        "food": "Food",
        "blanket": "Blanket",
        "sleeping_bag": "Sleeping bag",
        "rain_cover": "Poncho or tarp",
        "hand_warmers": "Hand warmers",
        "socks": "Socks",
        "clothing": "Clothing or shoes",
        "hygiene": "Hygiene kit",
        "menstrual": "Menstrual products",
        "wound_care": "Wound care kit",
        "transit_pass": "Transit pass",
        "pet_food": "Pet food",
        "resource_card": "Card with services",
        "none": "Nothing",
        "other": "Something else",
    }
)

RETRY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "today": "Look again today",
        "next_shift": "Look again next shift",
        "if_called": "Only if there is another call",
        "no": "No",
    }
)

# Answers that are none: the person would not, or could not. Neither is a "no".
YES_NO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "yes": "Yes",
        "no": "No",
        "refused": "Would not answer",
        "unable": "Could not be asked, or could not answer",
    }
)
NOT_ANSWERED: Final = ("refused", "unable")

# Who may decide that a person is held. CARE never does.
HOLD_DECIDED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {"dcr": "Designated crisis responder", "police": "Police"}
)
TAKEN_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ambulance": "Ambulance",
        "fire": "Fire Department",
        "police": "Police",
        "dcr": "Designated crisis responder",
        "not_taken": "Not taken anywhere",
        "other": "Others",
    }
)
REPORT_ABOUT: Final[Mapping[str, str]] = MappingProxyType(
    {"child": "A child", "vulnerable_adult": "A vulnerable adult"}
)
REPORTED_TO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dcyf": "Department of Children, Youth, and Families",
        "dshs": "Department of Social and Health Services",
        "police": "Police",
    }
)
AGE_BASIS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "said": "The person said so",
        "told": "Somebody else said so",
        "document": "A document",
        "known": "Known from before",
        "estimated": "Estimated by the crew",
    }
)
GUARDIAN_CONTACT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "present": "Was there",
        "contacted": "Contacted",
        "not_reached": "Tried, not reached",
        "not_known": "Nobody known",
        "unsafe": "Not contacted: it may not be safe for the minor",
        "not_wanted": "Not contacted: the minor did not want it",
    }
)
MINOR_CONSENT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "own": "The minor's own",
        "guardian": "A parent's or guardian's",
        "emergency": "None: an emergency",
        "none_needed": "None: no treatment was given",
    }
)
DEATH_PRONOUNCED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sfd": "Seattle Fire Department",
        "other_medics": "Other medics",
        "physician": "A physician",
        "examiner": "The medical examiner",
    }
)
NOTIFIED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sfd": "Seattle Fire Department",
        "spd": "Seattle Police Department",
        "care": "CARE",
        "other": "Others",
    }
)
REFUSED_WHAT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contact": "To speak with the crew",
        "screening": "Screening or questions",
        "first_aid": "First aid",
        "naloxone": "Naloxone",
        "medics": "Medics, or the hospital",
        "transport": "To be taken somewhere",
        "services": "Services or a referral",
        "other": "Something else",
    }
)
WITNESSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "crew": "The other responder",
        "fire": "Fire or medics",
        "police": "Police",
        "family": "Family or friends",
        "bystander": "A bystander",
        "none": "Nobody",
    }
)

RISKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "high": "High risk",
        "moderate": "Moderate risk",
        "low": "Low risk",
        "none": "No risk told",
        "not_determined": "Not determined: not all was answered",
        "incomplete": "Not all asked yet",
    }
)

# What a flag on a note means, in words for a supervisor. A flag is one of these, or one of these
# and the field that it is about after a colon.
FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bad_shape": "It does not have the form that it should have; kept as it was sent",
        "unknown_code": "A code that this version does not know; kept as it was sent",
        "bad_time": "No time that can be read, with its zone; kept as it was sent",
        "screen_contradiction": "The screen's answers contradict its order of questions",
        "care_never_decides": "CARE is named for what only others decide",
    }
)


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list of codes as tablets get it."""

    name: str
    source: str
    labels: Mapping[str, str]

    def items(self) -> list[dict[str, str]]:
        return [{"code": code, "label": label} for code, label in self.labels.items()]


# Dispositions are the list "dispositions" that stands in the reference data already.
CODE_LISTS: Final = (
    NamedList("note_outcomes", OWN, OUTCOMES),
    NamedList("note_presenting_needs", OWN, PRESENTING_NEEDS),
    NamedList("note_mental_status", f"{NEMSIS} eExam.19", MENTAL_STATUS),
    NamedList("note_barriers", f"{NEMSIS} eHistory.01", BARRIERS),
    NamedList("note_interventions", OWN, INTERVENTIONS),
    NamedList("note_supplies", OWN, SUPPLIES),
    NamedList("note_retry", OWN, RETRY),
    NamedList("note_answers", OWN, YES_NO),
    NamedList("note_hold_decided_by", OWN, HOLD_DECIDED_BY),
    NamedList("note_taken_by", OWN, TAKEN_BY),
    NamedList("note_report_about", OWN, REPORT_ABOUT),
    NamedList("note_reported_to", OWN, REPORTED_TO),
    NamedList("note_age_basis", OWN, AGE_BASIS),
    NamedList("note_guardian_contact", OWN, GUARDIAN_CONTACT),
    NamedList("note_minor_consent", OWN, MINOR_CONSENT),
    NamedList("note_death_pronounced_by", OWN, DEATH_PRONOUNCED_BY),
    NamedList("note_notified_by", OWN, NOTIFIED_BY),
    NamedList("note_refused_what", OWN, REFUSED_WHAT),
    NamedList("note_witnesses", OWN, WITNESSES),
    NamedList("note_suicide_risks", OWN, RISKS),
    NamedList("note_flags", OWN, FLAGS),
)
