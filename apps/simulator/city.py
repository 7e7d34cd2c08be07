"""What is called in, and where: the simulator's stock of places and stories.

Call types are strings of the Seattle Police Department's Call Data, beats those of the 2023 pilot
(beat map of 2015). Places are public street corners and squares, positions are approximate. The
stories are invented: nobody in them has a name, an age that matters or a life outside this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from apps.dispatch.calls import Caution


@dataclass(frozen=True, slots=True)
class Place:
    """A public place. `kind` is a token of RFC 4589, `lat` and `lon` are WGS 84 degrees."""

    address: str
    beat: str
    lat: float
    lon: float
    kind: str = "street"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of call: its type strings, SPD priority, what the caller says, and what they add.

    `weight`: how often such a call comes, beside the others.
    """

    initial_type: str
    final_type: str
    priority: str
    notes: tuple[str, ...]
    further: tuple[str, ...]
    weight: int = 1


PLACES: Final = (
    Place("3RD AVE / PIKE ST", "M3", 47.61003, -122.33750),
    Place("4TH AVE / PINE ST", "M3", 47.61128, -122.33705, "public", "WESTLAKE PARK"),
    Place("2ND AVE / PIKE ST", "M3", 47.60930, -122.33880),
    Place("6TH AVE / UNION ST", "M3", 47.61020, -122.33320),
    Place("4TH AVE / SENECA ST", "M3", 47.60760, -122.33460, "bus-station"),
    Place("1ST AVE / PIKE ST", "M1", 47.60880, -122.34020),
    Place("1ST AVE / PINE ST", "M1", 47.60960, -122.34100),
    Place("3RD AVE / VIRGINIA ST", "M1", 47.61180, -122.34160, "bus-station"),
    Place("ALASKAN WAY / UNION ST", "M1", 47.60700, -122.34170, "outdoors", "WATERFRONT"),
    Place("4TH AVE / STEWART ST", "M2", 47.61190, -122.33880),
    Place("8TH AVE / PINE ST", "M2", 47.61320, -122.33330),
    Place("9TH AVE / PIKE ST", "M2", 47.61260, -122.33180, "outdoors"),
    Place("7TH AVE / STEWART ST", "M2", 47.61390, -122.33620),
    Place("1ST AVE / YESLER WAY", "K1", 47.60200, -122.33380, "public", "PIONEER SQUARE"),
    Place("5TH AVE / MADISON ST", "K1", 47.60640, -122.33200, "library"),
    Place("3RD AVE / MARION ST", "K1", 47.60480, -122.33420),
    Place("1ST AVE / MARION ST", "K1", 47.60370, -122.33670),
    Place(
        "OCCIDENTAL AVE S / S MAIN ST", "K2", 47.60010, -122.33320, "public", "OCCIDENTAL SQUARE"
    ),
    Place("2ND AVE EXT S / S MAIN ST", "K2", 47.59990, -122.33130),
    Place("S KING ST / OCCIDENTAL AVE S", "K2", 47.59850, -122.33300, "train-station"),
    Place("3RD AVE / JAMES ST", "K2", 47.60290, -122.33090, "bus-station"),
    Place("3RD AVE / JEFFERSON ST", "K3", 47.60220, -122.32960, "public", "CITY HALL PARK"),
    Place("S KING ST / MAYNARD AVE S", "K3", 47.59845, -122.32490, "public", "HING HAY PARK"),
    Place("5TH AVE S / S JACKSON ST", "K3", 47.59930, -122.32770, "train-station"),
    Place("6TH AVE S / S WELLER ST", "K3", 47.59750, -122.32640),
    Place("8TH AVE S / S DEARBORN ST", "K3", 47.59580, -122.32290, "underway"),
    Place("12TH AVE S / S JACKSON ST", "G1", 47.59930, -122.31680),
    Place("BOREN AVE / YESLER WAY", "G1", 47.60160, -122.31860),
    Place("1ST AVE S / S LANDER ST", "O1", 47.57990, -122.33420),
    Place("4TH AVE S / S HOLGATE ST", "O1", 47.58620, -122.32900),
    Place("AIRPORT WAY S / S HOLGATE ST", "O1", 47.58630, -122.32120, "underway"),
    Place("6TH AVE S / S SPOKANE ST", "O2", 47.57160, -122.32620, "underway"),
    Place("4TH AVE S / S LUCILE ST", "O2", 47.55330, -122.32910),
    Place("1ST AVE S / S HUDSON ST", "O2", 47.55770, -122.33440),
    Place("3RD AVE / BELL ST", "D1", 47.61400, -122.34560, "bus-station"),
    Place("1ST AVE / CEDAR ST", "D1", 47.61520, -122.34970),
    Place("2ND AVE / BLANCHARD ST", "D1", 47.61270, -122.34440),
    Place("3RD AVE / CEDAR ST", "D1", 47.61650, -122.34830),
)

STORIES: Final = (
    Story(
        "DOWN - CHECK FOR DOWN PERSON",
        "--ASSIST PUBLIC - OTHER (NON-SPECIFIED)",
        "2",
        (
            "RP DRIVING BY, MALE LYING ON SIDEWALK NOT MOVING, NO INJURIES SEEN",
            "FEMALE SITTING AGAINST WALL HEAD DOWN, NOT RESPONDING TO RP, BREATHING",
            "PERSON UNDER BLANKET AT BUS STOP, RP UNABLE TO TELL IF BREATHING",
            "MALE FACE DOWN ON GRASS, ONE SHOE ON, RP DID NOT APPROACH",
        ),
        ("NOW SITTING UP PER RP", "SECOND RP SAYS SAME PERSON WAS HERE EARLIER"),
        weight=30,
    ),
    Story(
        "SERVICE - WELFARE CHECK",
        "--CRISIS COMPLAINT - GENERAL",
        "2",
        (
            "FEMALE IN LIGHT CLOTHING SHIVERING, TALKING TO SELF, RP CONCERNED",
            "ELDERLY MALE WITH WALKER HAS BEEN ON BENCH SINCE THIS MORNING",
            "OUTREACH WORKER ASKS FOR CHECK ON A REGULAR, LAST SEEN YESTERDAY",
            "MALE CRYING ON STEPS, DECLINES AID, SAYS HAS NOWHERE TO GO",
        ),
        ("RP HAS GIVEN WATER AND IS STAYING", "HAS MOVED HALF A BLOCK NORTH"),
        weight=30,
    ),
    Story(
        "PERSON IN BEHAVIORAL/EMOTIONAL CRISIS",
        "--CRISIS COMPLAINT - GENERAL",
        "2",
        (
            "MALE SHOUTING AT TRAFFIC, NOT AT ANYBODY, STAYS ON SIDEWALK",
            "FEMALE SAYS VOICES TELL HER TO KEEP WALKING, ASKS FOR SOMEBODY TO TALK TO",
            "PERSON PACING IN STATION ENTRANCE, UPSET, NO THREATS MADE PER SECURITY",
        ),
        ("CALMER NOW PER SECURITY", "SAYS HAS BEEN OFF MEDICATION FOR A WEEK"),
        weight=18,
    ),
    Story(
        "ASSIST PUBLIC - NO WELFARE CHK OR DV ORDER SERVICE",
        "--ASSIST PUBLIC - OTHER (NON-SPECIFIED)",
        "3",
        (
            "PERSON AT COUNTER ASKS FOR SHELTER TONIGHT, COOPERATIVE",
            "COUPLE WITH DOG LOOKING FOR A RIDE TO DAY CENTER",
            "MALE DISCHARGED WITHOUT SHOES ASKS FOR CLOTHING",
        ),
        ("WILL WAIT OUTSIDE BY THE DOOR",),
        weight=16,
    ),
    Story(
        "SLEEPER ABOARD BUS/COMMUTER TRAIN",
        "--ASSIST PUBLIC - OTHER (NON-SPECIFIED)",
        "3",
        ("OPERATOR UNABLE TO WAKE PASSENGER AT END OF LINE, BREATHING NORMALLY",),
        ("PASSENGER AWAKE, DOES NOT WANT TO LEAVE COACH",),
        weight=6,
    ),
    Story(
        "DETOX - REQUEST FOR",
        "--INTOX & LIQ VIOLS - INTOXICATED PERSON",
        "3",
        ("MALE STAGGERING INTO STREET, ASKS TO GO TO SOBERING CENTER",),
        ("NOW SITTING ON CURB WITH BYSTANDER",),
        weight=6,
    ),
    Story(
        "SUICIDE - SUICIDAL PERSON AND ATTEMPTS",
        "--CRISIS COMPLAINT - GENERAL",
        "2",
        ("CRISIS LINE TRANSFER, CALLER HAS THOUGHTS OF SUICIDE, NO PLAN, NO MEANS, ON FOOT",),
        ("CALLER STILL ON LINE WITH COUNSELOR",),
        weight=4,
    ),
    Story(
        "SFD - ASSIST ON FIRE OR MEDIC RESPONSE",
        "--CASUALTY,NON-TRAF,NON-CRIM - NON-DRUG RELATED",
        "3",
        ("ENGINE CREW ASKS FOR CARE, PATIENT REFUSED TRANSPORT, NEEDS SHELTER",),
        ("ENGINE WILL STAND BY UNTIL CARE ARRIVES",),
        weight=5,
    ),
    Story(
        "ASSIST SPD",
        "--CRISIS COMPLAINT - GENERAL",
        "3",
        ("OFFICER ON SCENE ASKS FOR CARE, SUBJECT CALM, WANTS TO TALK ABOUT HOUSING",),
        ("OFFICER WILL STAY FOR THE HANDOFF",),
        weight=8,
    ),
    Story(
        "UNKNOWN - COMPLAINT OF UNKNOWN NATURE",
        "--ASSIST PUBLIC - OTHER (NON-SPECIFIED)",
        "3",
        ("OPEN LINE, SOUND OF SOMEBODY WEEPING, ON CALL BACK SAYS NEEDS HELP, NO MORE DETAIL",),
        ("SECOND CALL FROM SAME PHONE, SAYS IS BY THE BUS SHELTER",),
        weight=3,
    ),
)

# What a call-taker adds when the picture changes.
CAUTIONS: Final = (
    Caution(severity="high", kind="weapon", text="SMALL KNIFE IN POCKET PER RP, NOT DISPLAYED"),
    Caution(severity="high", kind="violence", text="PUSHED A BYSTANDER EARLIER PER SECOND CALLER"),
    Caution(severity="normal", kind="premise", text="LOOSE DOG, NOT ON LEASH"),
    Caution(severity="low", kind="medical", text="CALLER SAYS PERSON IS DIABETIC"),
)

DESTINATIONS: Final = (
    "Crisis Solutions Center",
    "Day center",
    "Night shelter",
    "Sobering center",
    "Family, by own wish",
)
