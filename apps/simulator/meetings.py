"""Whom the crews meet, and what they write of it: the simulator's stock of people and sentences.

Invented, all of it. Codes are those of the rooms that own them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apps.firstaid import codes as aid


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as responders write of them; `needs` are presenting needs of a note, `barriers` what
    made it hard to help (NEMSIS eHistory.01)."""

    fields: dict[str, Any]
    needs: tuple[str, ...]
    barriers: tuple[str, ...] = ("3101009",)


PEOPLE: Final = (
    Somebody(
        {
            "aliases": ["Red"],
            "description": "man with a grey dog, red knit cap, about fifty",
            "approximate_age": 50,
            "housing": "unsheltered",
            "helps": "Talk about the dog first.",
            "harms": "Several people in uniform close up.",
            "animals": "grey dog, friendly, wants to stay beside him",
        },
        ("person_down", "shelter"),
    ),
    Somebody(
        {
            "given_name": "Marisol",
            "description": "woman in a green raincoat, walks with a cane",
            "approximate_age": 62,
            "language": "es",
            "interpreter": True,
            "helps": "Somebody who speaks Spanish; slow questions, one at a time.",
        },
        ("shelter", "medical"),
        ("3101007", "3101015"),
    ),
    Somebody(
        {
            "aliases": ["Jay"],
            "description": "young man, black hooded sweater, headphones",
            "approximate_age": 24,
            "housing": "doubled_up",
            "harms": "Being asked for his name again and again.",
        },
        ("substance_use",),
        ("3101035",),
    ),
    Somebody(
        {
            "description": "woman with two shopping carts, sleeps at the library steps",
            "approximate_age": 45,
            "housing": "unsheltered",
            "own_words": "I keep my things in order. Do not move them.",
        },
        ("shelter", "person_down"),
    ),
    Somebody(
        {
            "given_name": "Thomas",
            "description": "tall man, grey beard, hospital wristband",
            "approximate_age": 70,
            "housing": "housed",
            "care_plan": "Calls his sister when lost; her number is on the wristband.",
        },
        ("disorganized", "medical"),
        ("3101005",),
    ),
    Somebody(
        {
            "aliases": ["Bo"],
            "description": "man with a guitar case, work boots, smells of drink",
            "approximate_age": 38,
            "housing": "shelter",
            "helps": "Music. Asking what he plays.",
        },
        ("agitation", "substance_use", "interpersonal"),
        ("3101033", "3101031"),
    ),
)
MINORS: Final = (
    Somebody(
        {
            "aliases": ["Kit"],
            "description": "about sixteen, school bag, blue hair",
            "approximate_age": 16,
            "housing": "doubled_up",
            "harms": "Talk of calling home before it is asked for.",
        },
        ("running_away", "shelter"),
        ("3101025", "3101031"),
    ),
    Somebody(
        {
            "given_name": "Dani",
            "description": "about twelve, red jacket, waits alone at the station",
            "approximate_age": 12,
            "housing": "housed",
        },
        ("running_away",),
        ("3101025",),
    ),
)

# What was found and said, what was done, and how it ended: some of each makes a narrative.
FOUND: Final = (
    "Sitting against the wall, awake, would not make eye contact at first.",
    "Asleep in the doorway, woke to a voice, oriented to person and place.",
    "Pacing and talking loudly, calmed down when given room and time.",
    "Standing in the rain without a coat, shivering, answered in single words.",
    "Lying on the pavement, slow to answer, breathing evenly.",
)
SAID: Final = (
    (
        "Said that the bed at the shelter was lost two nights ago, after coming back an hour late, "
        "and that the nights since were spent riding the bus to the end of the line and back."
    ),
    (
        "Talked about a sister who used to help out and who has moved away; has no telephone since "
        "the bag was taken, and no paper with the numbers on it."
    ),
    (
        "Had not eaten since yesterday. Knew the day of the week and where the nearest clinic is, "
        "and that the appointment there was missed."
    ),
    (
        "Did not want to speak of what had happened in the morning. Spoke freely about the dog, "
        "about work on the boats years ago, and about a room in Tacoma that may be free next "
        "month."
    ),
    (
        "Asked several times whether the police would come back, and settled when told that they "
        "had left and that nobody was in trouble."
    ),
)
DONE: Final = (
    "Sat down at a distance, named who we are, and waited. Gave water and a blanket.",
    "Offered food and dry socks. Talked about where tonight could be spent.",
    "Went through what had happened since the morning; listened, did not hurry.",
    "Called the day center, which can take one more until 20:00.",
    "Walked around the block together, which helped more than talking did.",
)
ENDED: Final = (
    "Agreed to come along to the day center; the desk there knows the face.",
    "Did not want anything more today. Knows where we can be found.",
    "Will stay with a friend tonight, who came and took over.",
    "Left with a card for the clinic and a time for tomorrow morning.",
    "Asked us to come by again in the evening.",
)
# What is written of the other courses, by their names; where a course has none, the above.
NARRATIVES: Final[dict[str, tuple[str, ...]]] = {
    "refuses": (
        "Awake, walking, turned away from us when spoken to. Said clearly that no help was wanted.",
        "Told who we are, what we can offer and what may happen without it. Kept a distance.",
        "Took water, walked on toward the ferry without stumbling.",
    ),
    "overdose": (
        (
            "Found on the ground, blue lips, did not answer to a voice or to a rub of the chest. A "
            "friend said that pills were smoked a quarter of an hour before."
        ),
        (
            "Airway opened, breaths given with the mask while the spray was fetched. Breathing "
            "came back before waking did; laid on the side and watched."
        ),
        (
            "Told what had happened and that it can come back when the spray wears off. "
            "Frightened, cold, glad not to be alone. The friend stayed beside us all the while."
        ),
    ),
    "at_risk": (
        (
            "On the bridge approach, alone, crying, both hands on the rail. Came away from it when "
            "asked to sit in the car, where it is warm."
        ),
        (
            "Asked the questions as they stand. Said what was thought of, for how long, and that "
            "the pills are in the bag. Handed the bag over without being asked twice."
        ),
        (
            "Not left alone at any time. Made a plan with names and numbers for tonight; the "
            "sister came and was told the plan as well."
        ),
    ),
    "held": (
        "Ran between the cars, shouting at somebody who was not there, bare feet, one of them cut.",
        (
            "Room, time, one voice, water offered from a distance. Would sit for a minute, then "
            "run for the road again. A designated crisis responder was asked to come."
        ),
        "Evaluated on scene by others, whose decision it was. Told each step before it was done.",
    ),
    "child_at_risk": (
        "A mother with two children in a car with the windows taped. Tired, polite, in a hurry.",
        "The older one said who had done that to the arm, and asked us not to tell.",
        "Told the mother what we have to do and that it is done today. She wept and did not argue.",
    ),
    "adult_at_risk": (
        "In a chair in the hall of the building, thin, in yesterday's clothes, glad of company.",
        "Said that the nephew keeps the card and the keys, and brings food when he thinks of it.",
        "Ate, drank. A neighbour will look in tonight. Reported by telephone from the hall.",
    ),
    "minor": (
        "Alone at the station since the afternoon, did not want to go home, would not say why.",
        "Sat with us on the bench. Hungry, no injury seen. Spoke of a quarrel over school.",
        "Knows where the drop-in for young people is and how late it is open.",
    ),
    "died": (
        (
            "Behind the shelter's fence, cold, no pulse, no breath; fire was called from where we "
            "stood and took over."
        ),
        (
            "The fire department pronounced. Nothing was moved after that. Stayed until the "
            "medical examiner was told and the man who had found the body was not alone."
        ),
    ),
}
# Added where others closed the call while the crew was at it.
LEFT_EARLY: Final = "The call was closed while we were there; written from what we saw until then."
# What the other responder adds.
ADDED: Final = (
    "The shopkeeper next door says this is the third day in the same place.",
    "Said to me that the medication ran out on Sunday.",
    "A bus driver had called, and waited until we came.",
    "Mentioned a brother in Tacoma, no number.",
)

# What is asked for of an agency, and the words that go with it.
NEEDS: Final = (
    ("homelessness",),
    ("homelessness", "food-insecurity"),
    ("sobering",),
    ("substance-use-treatment",),
)
ASKED: Final = (
    "Can walk. Has a dog that stays close.",
    "Wants to come tonight, is able to wait.",
    "Prefers a lower bunk. Speaks little, understands well.",
)

# What people say when they are asked whether somebody may come again.
AGREED: Final = (
    "Come by, but not before noon.",
    "Fine with me, if it is the two of you.",
    "Yes, and bring socks.",
)
REFUSED: Final = (
    "Leave me be after today.",
    "I have my own people.",
)
# Where and when somebody is found, and who knows them.
PLACES: Final = (
    ("Under the ramp at Royal Brougham", "after 16:00", "the man with the cart"),
    ("Steps of the library, Fourth Avenue side", "mornings, before they open", None),
    ("Day center on Third, the back room", "10:00 to 15:00", "the desk knows the face"),
    ("Bus shelter at the hospital", "late, when it rains", "the driver of the last bus"),
)
PROMISES: Final = (
    "Wants dry boots, size ten.",
    "Asked whether somebody comes along to the clinic.",
    "Needs the form for the card explained once more.",
)
# What is said of a try.
TRIED: Final = (
    "Sat for a while and talked; slept two nights inside.",
    "Nobody there; the tent is gone, the cart still stands.",
    "Left a card under the stone, as agreed.",
    "A neighbour says they come back in the evening.",
)

# Where to look for somebody who was not found, and who may know.
LOOK_AGAIN: Final = (
    ("Under the awning at 2nd and Yesler, where he sleeps", "The security desk of the library"),
    ("Bus shelter on Third, after the shops close", "The driver of the last bus"),
    ("Steps of the church on Fifth", None),
)
# Wounds, small ones mostly.
AID: Final[tuple[dict[str, Any], ...]] = (
    {"injuries": ["bleeding"], "procedures": ["447686008", "182531007"], "outcome": aid.IMPROVED},
    {
        "injuries": ["wound_infected"],
        "procedures": ["225358003", "182555002"],
        "refused": [{"procedure": "61746007", "reason": aid.REFUSED}],
        "outcome": "9916003",
    },
    {
        "injuries": ["cold"],
        "procedures": ["431949004", "61746007"],
        "vitals": {"temperature": 35.1, "pulse": 96, "respiratory_rate": 18},
        "level": "3326001",
        "outcome": aid.IMPROVED,
    },
    {
        "injuries": ["fall", "sprain"],
        "procedures": ["386053000"],
        "vitals": {"pulse": 88, "systolic": 142, "diastolic": 84},
        "level": "3326001",
        "breathing": aid.BREATHING_NORMALLY,
    },
)

DOSE: Final[dict[str, Any]] = {
    "drug": aid.NALOXONE,
    "dose": 4,
    "dose_unit": aid.MILLIGRAMS,
    "route": aid.INTRANASAL,
    "given_by": aid.CARE,
}
