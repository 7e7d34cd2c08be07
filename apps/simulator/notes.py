"""What stands in a note, by what came of the meeting. Pure: what is drawn, the dice draw.

Every code is one of the server's lists. A part of a grave course has all that a signature asks for.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from apps.casenotes.content import cssrs
from apps.people.ids import encounter_id, record_id
from apps.simulator import courses, meetings
from apps.simulator.courses import Course
from apps.simulator.meetings import Somebody
from apps.simulator.tablet.device import stamp

_ADULT: Final = 18
# Of the mental status (NEMSIS eExam.19): alert in all, sleepy, confused, agitated, hears voices.
MENTAL_STATUS: Final = (
    ("3519007", "3519011", "3519013", "3519015", "3519017"),
    ("3519025", "3519011", "3519013"),
    ("3519003", "3519011"),
    ("3519023", "3519011", "3519013"),
    ("3519005", "3519045", "3519011"),
)
# Answers to the screener, and how often they come: most say no to all.
SCREENS: Final[tuple[tuple[dict[str, str], int], ...]] = (
    ({"q1": "no", "q2": "no", "q6": "no"}, 62),
    ({"q1": "yes", "q2": "no", "q6": "no"}, 8),
    ({"q1": "yes", "q2": "yes", "q3": "yes", "q4": "no", "q5": "no", "q6": "no"}, 6),
    ({"q1": "no", "q2": "no", "q6": "yes", "q6_recent": "no"}, 6),
    ({"q1": "yes", "q2": "refused", "q6": "no"}, 4),
    ({"whole": "refused"}, 8),
    ({"whole": "unable"}, 6),
)
HIGH_RISK: Final = (
    {"q1": "yes", "q2": "yes", "q3": "yes", "q4": "yes", "q5": "no", "q6": "no"},
    {"q1": "yes", "q2": "yes", "q3": "yes", "q4": "no", "q5": "yes", "q6": "refused"},
    {"q1": "yes", "q2": "no", "q6": "yes", "q6_recent": "yes"},
)
# What the protocol asks for at high risk, done in one of these ways, or why not.
ACTS: Final = (
    ("stayed", "warm_handoff"),
    ("dcr_requested", "stayed"),
    ("medics_requested",),
    ("warm_handoff",),
)
ACT_NOT_DONE: Final = "Left with the friend before anybody qualified could come; 988 was told."
INTERVENTIONS: Final = (
    *("de_escalation", "support", "basic_needs", "information", "family_contact"),
    *("care_contact", "crisis_line"),
)
SUPPLIES: Final = (
    *("water", "food", "blanket", "socks", "hygiene", "hand_warmers", "transit_pass"),
    *("rain_cover", "resource_card"),
)
# What is done besides where the call is closed with these, and on these courses.
_ALSO_DONE: Final = {
    "15": ("warm_handoff",),
    "16": ("transport",),
    "overdose": ("medics_requested",),
    "held": ("dcr_requested", "stayed"),
}
# Nobody is asked who has just begun to breathe again.
_UNABLE: Final = {"whole": "unable"}
_DROWSY: Final = ("3519025", "3519041")
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "overdose": ("overdose", "substance_use"),
    "at_risk": ("suicidality", "grief"),
    "held": ("harm_risk", "disorganized"),
    "child_at_risk": ("child_concern", "shelter"),
    "adult_at_risk": ("vulnerable_adult_concern", "functioning"),
}


@dataclass(frozen=True)
class Meeting:
    """How it went. `at`: when it ended, by the crew's watches; `minute`: how long a minute of the
    work is. `early`: they had to leave before it was over."""

    course: Course
    somebody: Somebody
    disposition: str
    at: datetime
    minute: timedelta = timedelta(minutes=1)
    early: bool = False

    def ago(self, minutes: float) -> str:
        """So many minutes of the work before its end, as documents carry it."""
        return stamp(self.at - minutes * self.minute)


def here(assignment: str) -> dict[str, str]:
    """What every document of the (first) encounter of an assignment names."""
    return {"assignment_id": assignment, "encounter_id": str(encounter_id(UUID(assignment)))}


def note_of(assignment: str) -> str:
    """The id of that encounter's note."""
    return str(record_id(encounter_id(UUID(assignment)), "case_note"))


def content(meeting: Meeting, dice: random.Random) -> dict[str, Any]:
    """All that a note says of it but the narrative."""
    if meeting.course is courses.DIED:
        return {"outcome": "contact_made", "disposition": meeting.disposition, **_death(meeting)}
    if meeting.course is courses.REFUSES:
        return {
            "outcome": "refused",
            "disposition": meeting.disposition,
            "refusal": _refusal(dice),
            **_of_minor(meeting),
        }
    overdose = meeting.course is courses.OVERDOSE
    screen = _UNABLE if overdose else _screen(meeting, dice)
    interventions = [*dice.sample(INTERVENTIONS, dice.randint(1, 3)), *_also_done(meeting)]
    if cssrs.risk(screen) == "moderate":
        interventions += ("safety_plan", "means_safety")
    if cssrs.risk(screen) == "high" and "act_not_done" not in screen:
        interventions += dice.choice(ACTS)
    return {
        "outcome": "contact_made",
        "presenting_needs": list(_NEEDS.get(meeting.course.name, meeting.somebody.needs)),
        "screen": screen,
        "mental_status": list(_DROWSY if overdose else dice.choice(MENTAL_STATUS)),
        "barriers": list(meeting.somebody.barriers),
        "interventions": list(dict.fromkeys(interventions)),
        "supplies": dice.sample(SUPPLIES, dice.randint(0, 4)) or ["none"],
        "disposition": meeting.disposition,
        **_grave(meeting, dice),
        **_of_minor(meeting),
    }


def narrative(meeting: Meeting, dice: random.Random) -> tuple[str, ...]:
    """The paragraphs as they are typed, one after the other: of some forty to a hundred and forty
    words together."""
    of_course = meetings.NARRATIVES.get(meeting.course.name)
    found = of_course or (
        dice.choice(meetings.FOUND),
        " ".join([*_some(meetings.SAID, dice), *_some(meetings.DONE, dice)]),
        dice.choice(meetings.ENDED),
    )
    return (*found, meetings.LEFT_EARLY) if meeting.early else found


def nobody_found(dice: random.Random, *, at: datetime) -> dict[str, Any]:
    """The short note of who was not found, with where to look next."""
    where, ask = dice.choice(meetings.LOOK_AGAIN)
    again = dice.choice(("today", "next_shift", "if_called", "no"))
    plan = {"again": again, "not_before": None, "where": where, "ask": ask}
    if again == "today":
        plan["not_before"] = stamp(at + timedelta(hours=3))
    return {"outcome": "unable_to_locate", "retry_plan": plan}


def _screen(meeting: Meeting, dice: random.Random) -> dict[str, str]:
    if meeting.course not in (courses.AT_RISK, courses.HELD):
        answers = [one for one, _ in SCREENS]
        return dice.choices(answers, [weight for _, weight in SCREENS])[0]
    found = dict(dice.choice(HIGH_RISK))
    if meeting.course is courses.AT_RISK and dice.random() < 0.1:
        found["act_not_done"] = ACT_NOT_DONE
    return found


def _some(sentences: Sequence[str], dice: random.Random) -> list[str]:
    return dice.sample(sentences, dice.randint(1, 2))


def _also_done(meeting: Meeting) -> tuple[str, ...]:
    found = [meeting.disposition, meeting.course.name]
    done = tuple(one for name in found for one in _ALSO_DONE.get(name, ()))
    return (*done, "interpreter") if meeting.somebody.fields.get("interpreter") else done


def _grave(meeting: Meeting, dice: random.Random) -> dict[str, Any]:
    if meeting.course is courses.HELD:
        return {"involuntary": _held(meeting, dice)}
    if meeting.course is courses.CHILD:
        return {"mandated_report": _report(meeting, "child", dice)}
    if meeting.course is courses.VULNERABLE:
        return {"mandated_report": _report(meeting, "vulnerable_adult", dice)}
    # Whoever would have no medics after naloxone has refused care.
    return {"refusal": _refusal(dice, ("medics",))} if meeting.disposition == "42" else {}


def _held(meeting: Meeting, dice: random.Random) -> dict[str, Any]:
    by, unit = dice.choice((("dcr", "King County DCR"), ("police", "West Precinct")))
    taken, to = dice.choice((("ambulance", "Harborview Medical Center"), ("not_taken", None)))
    return {
        "decided_by": by,
        "decided_by_unit": unit,
        "requested_at": meeting.ago(40),
        "decided_at": meeting.ago(12),
        "left_at": None if to is None else meeting.ago(3),
        "facts_observed": "Ran into the road three times in ten minutes; did not know the street "
        "or the month; said that the cars cannot touch anybody who is dead already.",
        "taken_by": taken,
        "taken_to": to,
    }


def _report(meeting: Meeting, about: str, dice: random.Random) -> dict[str, Any]:
    child = about == "child"
    number = f"{'IN' if child else 'APS'}-{dice.randint(100000, 999999)}"
    return {
        "about": about,
        "known_at": meeting.ago(20),
        "observed": "A bruise in the shape of a hand on the upper arm; what the child said of it."
        if child
        else "Thin, in need of care, without keys, card or telephone; what was said of why.",
        "reported_at": meeting.ago(5),
        "reported_to": ["dcyf" if child else "dshs", *dice.choice(((), ("police",)))],
        "report_number": dice.choice((number, number, "none given")),
    }


def _death(meeting: Meeting) -> dict[str, Any]:
    return {
        "death": {
            "pronounced_by": "sfd",
            "pronounced_by_unit": "Medic 1",
            "pronounced_at": meeting.ago(20),
            "examiner_notified_at": meeting.ago(15),
            "examiner_notified_by": "sfd",
            "examiner_case": None,
            "observed": "Cold, no pulse, no breath. No injury seen.",
        }
    }


def _refusal(dice: random.Random, refused: Sequence[str] = ()) -> dict[str, Any]:
    doubtful = dice.random() < 0.2
    return {
        "refused": list(
            refused or dice.choice((("contact",), ("services", "transport"), ("medics",)))
        ),
        "capacity": "unable" if doubtful else "yes",
        "capacity_observed": "Answered in single words, looked away; steady on the feet."
        if doubtful
        else "Knew place and day, repeated what may happen.",
        "risks_explained": "yes",
        "witness": dice.choice(("crew", "crew", "fire", "bystander")),
        "left": dice.sample(("water", "resource_card", "socks", "food"), dice.randint(1, 2)),
    }


def _of_minor(meeting: Meeting) -> dict[str, Any]:
    """Asked for with every note on somebody who is under age, whatever came of it."""
    age = meeting.somebody.fields.get("approximate_age")
    if not isinstance(age, int) or age >= _ADULT:
        return {}
    own = age >= 13  # outpatient care: RCW 71.34.530
    return {
        "minor": {
            "age": age,
            "age_basis": "said" if own else "estimated",
            "guardian": "not_wanted" if own else "contacted",
            "guardian_at": None if own else meeting.ago(10),
            "guardian_note": "Would leave if we called; the drop-in calls tomorrow."
            if own
            else "The mother; comes by bus.",
            "consent": "own" if own else "guardian",
        }
    }
