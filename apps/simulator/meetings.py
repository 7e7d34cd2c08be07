"""Whom the crews meet, and what they write of it: the simulator's stock of people and sentences.

Invented, all of it. Codes are those of the rooms that own them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from apps.firstaid import codes as aid


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as responders write of them; `needs` are presenting needs of a note."""

    fields: dict[str, Any]
    needs: tuple[str, ...]


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
        ("confusion", "medical"),
    ),
)

# What was found, done, and how it ended: one of each makes a narrative.
FOUND: Final = (
    "Sitting against the wall, awake, would not make eye contact at first.",
    "Asleep in the doorway, woke to a voice, oriented to person and place.",
    "Pacing and talking loudly, calmed down when given room and time.",
    "Standing in the rain without a coat, shivering, answered in single words.",
    "Lying on the pavement, slow to answer, breathing evenly.",
)
DONE: Final = (
    "Sat down at a distance, named who we are, and waited. Gave water and a blanket.",
    "Offered food and dry socks. Talked about where tonight could be spent.",
    "Went through what had happened since the morning; listened, did not hurry.",
    "Called the day center, which can take one more until 20:00.",
    "Checked feet and hands, cleaned and covered a scrape on the left palm.",
)
ENDED: Final = (
    "Agreed to come along to the day center; the desk there knows the face.",
    "Did not want anything more today. Knows where we can be found.",
    "Will stay with a friend tonight, who came and took over.",
    "Left with a card for the clinic and a time for tomorrow morning.",
    "Asked us to come by again in the evening.",
)
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

DOSE: Final[dict[str, Any]] = {
    "drug": aid.NALOXONE,
    "dose": 4,
    "dose_unit": aid.MILLIGRAMS,
    "route": aid.INTRANASAL,
    "given_by": aid.CARE,
}
