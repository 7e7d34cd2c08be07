"""Words of the naloxone and first aid log.

Sources: the codes of NEMSIS 3.5.1 stand in the documents as they are (eMedications, eProcedures,
eVitals; procedures are SNOMED CT, drugs RxNorm), with the labels that a responder reads. Where
NEMSIS has no word (who gave a dose before anybody came, what a crew is asked, movements of stock)
the code is this project's own. A code that is not here is kept and flagged: an older or newer
tablet may know another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# eMedications.03, RxNorm ingredients. Stock names product and strength.
NALOXONE: Final = "7242"
DRUGS: Final[Mapping[str, str]] = MappingProxyType(
    {NALOXONE: "Naloxone", "7806": "Oxygen", "4850": "Glucose"}
)
# What of it is naloxone, as NEMSIS's case definition of an opioid overdose has it (OpioidOverdose,
# 2025-05-27): the ingredient, and two products.
NALOXONES: Final = frozenset({NALOXONE, "203192", "197117"})

# eMedications.04
INTRANASAL: Final = "9927017"
ROUTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        INTRANASAL: "In the nose",
        "9927015": "In a muscle",
        "9927063": "Auto-injector",
        "9927045": "Under the skin",
        "9927023": "In a vein",
        "9927035": "By mouth",
    }
)

# eMedications.06
MILLIGRAMS: Final = "3706021"
UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        MILLIGRAMS: "mg",
        "3706015": "mcg",
        "3706025": "ml",
        "3706043": "puffs",
        "3706049": "units",
    }
)

# eMedications.07 and eProcedures.08. What counts as better is breathing, not waking.
IMPROVED: Final = "9916001"
RESPONSES: Final[Mapping[str, str]] = MappingProxyType(
    {IMPROVED: "Better", "9916003": "Unchanged", "9916005": "Worse"}
)

# eVitals.15, respiratory effort
NOT_BREATHING: Final = "3315001"
GASPING: Final = "3315013"
SHALLOW: Final = "3315011"
BREATHING_NORMALLY: Final = "3315007"
BREATHING: Final[Mapping[str, str]] = MappingProxyType(
    {
        NOT_BREATHING: "Not breathing",
        GASPING: "Gasping or weak",
        SHALLOW: "Shallow or slow",
        "3315003": "Laboured",
        "3315009": "Fast",
        BREATHING_NORMALLY: "Normal",
        "3315005": "Breathed for (bag-valve mask)",
    }
)
# Another dose is thought of only with these: whoever breathes needs air and watching, not more.
NEEDS_BREATHS: Final = frozenset({NOT_BREATHING, GASPING})

# eMedications.08
NO_COMPLICATION: Final = "3708031"
COMPLICATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        NO_COMPLICATION: "None",
        "3708041": "Vomiting",
        "3708029": "Nausea",
        "3708001": "Altered mental status",
        "3708003": "Stopped breathing",
        "3708009": "Slow breathing",
        "3708039": "Fast breathing",
        "3708035": "Respiratory distress",
        "3708023": "Too little oxygen",
        "3708007": "Slow heart",
        "3708037": "Fast heart",
        "3708015": "High blood pressure",
        "3708019": "Low blood pressure",
        "3708017": "Overheated",
        "3708021": "Too cold",
        "3708005": "Bleeding",
        "3708025": "Injury",
        "3708011": "Diarrhoea",
        "3708013": "Fluid beside the vein",
        "3708043": "Itching",
        "3708045": "Hives",
        "3708033": "Another",
    }
)

# eMedications.11
AUTHORIZATIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "9918005": "Protocol (standing order)",
        "9918001": "On-line (remote verbal order)",
        "9918003": "On scene",
        "9918007": "Written orders (for this person)",
    }
)

# Pertinent negatives of eMedications.03 and eProcedures.03: why something was not done.
REFUSED: Final = "8801019"
PERTINENT_NEGATIVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        REFUSED: "Refused",
        "8801001": "Contraindicated",
        "8801003": "Denied by order",
        "8801007": "Allergy to the medicine",
        "8801009": "Taken already",
        "8801023": "Could not be done",
    }
)


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gave or did something. `role`: eMedications.10 and eProcedures.10."""

    label: str
    role: str


CARE: Final = "care"
# The role of CARE's responders (no licensed EMS agency) is to be confirmed by the medical director.
GIVERS: Final[Mapping[str, Giver]] = MappingProxyType(
    {
        CARE: Giver("CARE", "9905021"),
        "police": Giver("Police", "9905047"),
        "fire": Giver("Fire department", "9905051"),
        "medics": Giver("Medics", "9905007"),
        "bystander": Giver("Bystander", "9905045"),
        "family": Giver("Family or friend", "9905049"),
        "self": Giver("The person themselves", "9905043"),
        "health_worker": Giver("Another health worker", "9905019"),
        "other": Giver("Somebody else", "9905021"),
    }
)

# What was seen; no diagnosis. This project's own.
INJURIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "overdose": "Overdose suspected",
        "bleeding": "Bleeding",
        "wound": "Wound",
        "wound_infected": "Wound that looks infected",
        "burn": "Burn",
        "head": "Blow to the head",
        "fall": "Fall",
        "fracture": "Fracture suspected",
        "sprain": "Sprain",
        "bite": "Bite or sting",
        "choking": "Choking",
        "seizure": "Seizure",
        "chest_pain": "Chest pain",
        "breathing": "Trouble breathing",
        "fainted": "Fainted",
        "cold": "Too cold",
        "heat": "Too hot",
        "low_sugar": "Low blood sugar suspected",
        "other": "Another",
        "none": "None seen",
    }
)

# eProcedures.03: SNOMED CT codes of NEMSIS's defined list that a first-aider may do.
OPEN_AIRWAY: Final = "232664002"
RESCUE_BREATHS: Final = "425447009"
RECOVERY_POSITION: Final = "225287004"
PROCEDURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        OPEN_AIRWAY: "Airway opened",
        RESCUE_BREATHS: "Breaths given (bag-valve mask)",
        RECOVERY_POSITION: "Positioned (recovery position)",
        "89666000": "CPR",
        "450661000124102": "AED",
        "23690002": "Abdominal thrusts",
        "182692007": "Nasal airway",
        "7443007": "Oral airway",
        "57485005": "Oxygen",
        "371907003": "Oxygen by cannula",
        "447686008": "Pressure on a wound",
        "373675000": "Pressure bandage",
        "20655006": "Tourniquet",
        "372045002": "Haemostatic dressing",
        "182555002": "Bandage",
        "182531007": "Dressing",
        "225116006": "Irrigation",
        "225358003": "Wound care",
        "133901003": "Burn care",
        "431949004": "Warming",
        "431774007": "Cooling",
        "386053000": "Watched over",
        "78086002": "Held",
        "56469005": "Moved",
        "252465000": "Pulse oximetry",
        "408867002": "Breaths counted",
        "33747003": "Blood glucose measured",
        "61746007": "Vital signs taken",
        "304562007": "Medical control called",
        "308292007": "Handed over to medics",
    }
)

# eVitals.26
LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "3326001": "Alert",
        "3326003": "Answers to voice",
        "3326005": "Answers to pain",
        "3326007": "Unresponsive",
    }
)


@dataclass(frozen=True, slots=True)
class Vital:
    """One measure. `element`: its NEMSIS element, which allows `least` to `most`."""

    label: str
    unit: str
    element: str
    least: float
    most: float


VITALS: Final[Mapping[str, Vital]] = MappingProxyType(
    {
        "pulse": Vital("Pulse", "per minute", "eVitals.10", 0, 500),
        "respiratory_rate": Vital("Breaths", "per minute", "eVitals.14", 0, 300),
        "oxygen": Vital("Oxygen saturation", "%", "eVitals.12", 0, 100),
        "systolic": Vital("Blood pressure, upper", "mmHg", "eVitals.06", 0, 500),
        "diastolic": Vital("Blood pressure, lower", "mmHg", "eVitals.07", 0, 500),
        "glucose": Vital("Blood glucose", "mg/dL", "eVitals.18", 0, 2000),
        "temperature": Vital("Temperature", "degrees Celsius", "eVitals.24", 0, 50),
    }
)

# What the log asks (see `prompts`), and what may be answered. This project's own.
QUESTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fire_called": "Is the fire department called? When?",
        "airway": "Is the airway open, are breaths given?",
        "breathing": "Is the person breathing?",
        "next_dose": "Another dose?",
        "handover": "Who has the person now?",
        "kit_left": "Was a kit left behind?",
    }
)
PRONOUNCED_DEAD: Final = "dead"
KIT_LEFT: Final = "left"
ANSWERS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "fire_called": {
            "called": "Called",
            "on_scene": "Is here already",
            "not_called": "Not called",
        },
        "airway": {
            "open_and_breaths": "Open, breaths given",
            "open": "Open, breathes without help",
            "not_possible": "Could not be done",
        },
        "breathing": BREATHING,
        "next_dose": {
            "given": "Given: log it",
            "breathing": "Not needed, breathes",
            "medics": "Left to the medics",
            "refused": "Refused",
            "none_left": "None left",
        },
        "handover": {
            "medics": "Handed over to medics",
            "refused": "Refused, with a witness",
            "stayed": "Stayed with somebody who watches",
            "left": "Walked away",
            PRONOUNCED_DEAD: "Pronounced dead by the fire department",
        },
        "kit_left": {
            KIT_LEFT: "Left behind",
            "has_one": "Has one",
            "refused": "Not wanted",
            "none": "None to leave",
        },
    }
)

CORRECTION_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mis_tap": "Tapped by mistake",
        "wrong_time": "The time was wrong",
        "wrong_detail": "A detail was wrong",
        "did_not_happen": "It did not happen",
        "duplicate": "Told twice",
        "other": "Another reason",
    }
)

# What a tablet tells of stock; doses move it by themselves, a desk receives it.
MOVEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "left_behind": "Kit left behind",
        "issue": "Taken from the store",
        "return": "Brought back to the store",
        "discard": "Thrown away",
        "count": "Counted: more or fewer than thought",
    }
)

# Why stock differs from what was counted, or was thrown away or brought back.
STOCK_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "count": "Counted",
        "expired": "Expired",
        "damaged": "Damaged, or the seal was broken",
        "lost": "Lost or stolen",
        "found": "Found again",
        "recalled": "Recalled",
        "training": "Used in training",
        "other": "Another reason",
    }
)

# The flag of what was CARE's and of which nothing says from what stock it came.
STOCK_UNKNOWN: Final = "stock_unknown"
# What a flag means, in words for a supervisor. `unknown_code:<field>` names no value.
FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_code": "A code that this version does not know",
        "bad_field": "A detail is missing or cannot be used",
        "not_here_yet": "Its assignment is not here yet",
        STOCK_UNKNOWN: "Nothing says what stock it was taken from",
        "below_zero": "More was taken out than was there",
    }
)


def _labels(words: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"code": code, "label": label} for code, label in words.items()]


_NEMSIS: Final = "NEMSIS 3.5.1"
# What tablets are given: name, source, and each code with its label.
LISTS: Final[Mapping[str, tuple[str, list[dict[str, str]]]]] = MappingProxyType(
    {
        "drugs": (f"{_NEMSIS} eMedications.03, RxNorm", _labels(DRUGS)),
        "dose_routes": (f"{_NEMSIS} eMedications.04", _labels(ROUTES)),
        "dose_units": (f"{_NEMSIS} eMedications.06", _labels(UNITS)),
        "dose_responses": (f"{_NEMSIS} eMedications.07, eProcedures.08", _labels(RESPONSES)),
        "dose_complications": (f"{_NEMSIS} eMedications.08", _labels(COMPLICATIONS)),
        "dose_authorizations": (f"{_NEMSIS} eMedications.11", _labels(AUTHORIZATIONS)),
        "dose_givers": (
            f"Carefield; roles {_NEMSIS} eMedications.10",
            [{"code": c, "label": one.label, "role": one.role} for c, one in GIVERS.items()],
        ),
        "breathing": (f"{_NEMSIS} eVitals.15", _labels(BREATHING)),
        "pertinent_negatives": (f"{_NEMSIS} pertinent negatives", _labels(PERTINENT_NEGATIVES)),
        "injuries": ("Carefield", _labels(INJURIES)),
        "procedures": (f"{_NEMSIS} eProcedures.03, SNOMED CT", _labels(PROCEDURES)),
        "levels": (f"{_NEMSIS} eVitals.26", _labels(LEVELS)),
        "vitals": (
            f"{_NEMSIS} eVitals",
            [
                {"code": c, "label": one.label, "unit": one.unit, "element": one.element}
                for c, one in VITALS.items()
            ],
        ),
        "correction_reasons": ("Carefield", _labels(CORRECTION_REASONS)),
        "stock_reasons": ("Carefield", _labels(STOCK_REASONS)),
    }
)
