"""Where people can be taken in the demo: a made-up directory of the pilot area, as HSDS 3.0.

Names are invented and say so, telephone numbers are those kept for fiction (555-01xx), places are
street corners. Hours are written as agencies write them, one of them so that nobody can read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from apps.referrals.directory import ours

_NAMES: Final = UUID("5d0f6f0a-0c60-5c39-9a39-1b0d3c2f7e10")


@dataclass(frozen=True, slots=True)
class Offer:
    """A service of an agency. `verified`: so many days ago; None: never. `ages`: from, to."""

    name: str
    used_for: str
    hours: str
    criteria: tuple[str, ...] = ()
    ages: tuple[int | None, int | None] = (None, None)
    place: str | None = None
    phone: str = ""
    reach: str = "on_site"
    verified: int | None = 3
    languages: tuple[str, ...] = ()
    eligibility: str = ""


PLACES: Final = {
    "Yesler Annex": ("2ND AVE EXT S / YESLER WAY", 47.60160, -122.33110),
    "Occidental Rooms": ("OCCIDENTAL AVE S / S MAIN ST", 47.60010, -122.33320),
    "Jackson House": ("12TH AVE S / S JACKSON ST", 47.59930, -122.31680),
    "Dearborn Hall": ("8TH AVE S / S DEARBORN ST", 47.59580, -122.32290),
    "Pine Street Rooms": ("8TH AVE / PINE ST", 47.61320, -122.33330),
    "Blanchard Corner": ("2ND AVE / BLANCHARD ST", 47.61270, -122.34440),
    "Lander Yard": ("1ST AVE S / S LANDER ST", 47.57990, -122.33420),
}

AGENCIES: Final[dict[str, Sequence[Offer]]] = {
    "Example Crisis Network": (
        Offer(
            "Example Crisis Solutions Center",
            "crisis_solutions",
            "24/7",
            (
                *("first_responders_only", "call_first", "voluntary_only", "walks_unaided"),
                "medically_stable",
            ),
            (18, None),
            "Jackson House",
            "206-555-0101",
            eligibility="Adults in a behavioral health crisis whom first responders bring.",
        ),
        Offer(
            "Example Crisis Care Center",
            "crisis_care",
            "Open 24 hours",
            ("walk_in",),
            (18, None),
            "Pine Street Rooms",
            "206-555-0102",
            verified=12,
        ),
        Offer(
            "Example Mobile Crisis Team",
            "mobile_crisis",
            "Daily 7am-11pm",
            ("call_first",),
            phone="206-555-0103",
            reach="comes",
            languages=("Spanish", "Vietnamese"),
        ),
        Offer(
            "Example 988 Desk",
            "crisis_line",
            "24/7",
            phone="206-555-0104",
            reach="remote",
            languages=("Spanish", "Cantonese", "Vietnamese"),
        ),
    ),
    "Example Recovery Services": (
        Offer(
            "Example Sobering Center",
            "sobering",
            "24/7",
            ("first_responders_only", "walks_unaided", "medically_stable"),
            (18, None),
            "Yesler Annex",
            "206-555-0111",
        ),
        Offer(
            "Example Withdrawal Management",
            "detox",
            "Mon-Sun 8am-8pm",
            ("call_first", "referral_required", "medically_stable"),
            (18, None),
            "Lander Yard",
            "206-555-0112",
            verified=40,
        ),
    ),
    "Example Night Shelters": (
        Offer(
            "Example Pioneer Night Shelter",
            "shelter",
            "Daily 7pm-7am",
            ("walk_in", "no_pets", "sober_only"),
            (18, None),
            "Occidental Rooms",
            "206-555-0121",
            verified=1,
        ),
        Offer(
            "Example Shelter with Animals",
            "shelter",
            "Daily 6pm-8am",
            ("call_first", "pets_welcome", "couples_welcome"),
            (18, None),
            "Dearborn Hall",
            "206-555-0122",
            verified=2,
        ),
        Offer(
            "Example Women's Night Shelter",
            "shelter",
            "Daily 7:30pm-7am",
            ("women_only", "call_first"),
            (18, None),
            "Blanchard Corner",
            "206-555-0123",
        ),
        Offer(
            "Example Young Adult Shelter",
            "shelter",
            "Daily 8:30pm-8am",
            ("walk_in",),
            (18, 24),
            "Pine Street Rooms",
            "206-555-0124",
            verified=120,
        ),
    ),
    "Example Day Centers": (
        Offer(
            "Example Day Center",
            "day_center",
            "Mon-Fri 7:30am-4pm, Sat 9-2",
            ("walk_in", "pets_welcome"),
            (None, None),
            "Occidental Rooms",
            "206-555-0131",
        ),
        Offer(
            "Example Showers and Laundry",
            "hygiene",
            "M, W 10-2; closed holidays",
            ("walk_in",),
            (None, None),
            "Yesler Annex",
            "206-555-0132",
        ),
        Offer(
            "Example Evening Meal",
            "food",
            "Mon-Fri 5pm-6:30pm",
            ("walk_in",),
            (None, None),
            "Dearborn Hall",
            "206-555-0133",
            languages=("Cantonese", "Vietnamese"),
        ),
    ),
    "Example Community Health": (
        Offer(
            "Example Street Clinic",
            "clinic",
            "Mon-Fri 8:30am-4:30pm; closed holidays",
            ("walk_in",),
            (None, None),
            "Jackson House",
            "206-555-0141",
            languages=("Cantonese", "Mandarin", "Spanish"),
        ),
        Offer(
            "Example Counseling Office",
            "behavioral_health",
            "Mon-Thu 9-5, Fri 9-12",
            ("appointment_only", "id_required"),
            (13, None),
            "Blanchard Corner",
            "206-555-0142",
            verified=None,
        ),
        Offer(
            "Example Housing Navigation",
            "housing",
            "1st and 3rd Tuesday, ask at the desk",
            ("referral_required",),
            (18, None),
            "Pine Street Rooms",
            "206-555-0143",
        ),
    ),
}


def directory(today: date) -> list[dict[str, Any]]:
    """The agencies with their services, verified so many days before this one. The same day again
    gives the same."""
    return [_agency(name, offers, today) for name, offers in AGENCIES.items()]


def id_of(name: str) -> UUID:
    """The HSDS id of an agency, a service or a place of the demo."""
    return uuid5(_NAMES, name)


def _agency(name: str, offers: Sequence[Offer], today: date) -> dict[str, Any]:
    return {
        "id": str(id_of(name)),
        "name": name,
        "description": "Made up for demonstration and training.",
        "services": [_service(offer, today) for offer in offers],
    }


def _service(offer: Offer, today: date) -> dict[str, Any]:
    id = id_of(offer.name)
    least, most = offer.ages
    told = {"used_for": offer.used_for, "reach": offer.reach, "criteria": list(offer.criteria)}
    said: dict[str, Any] = {
        "id": str(id),
        "name": offer.name,
        "status": "active",
        "eligibility_description": offer.eligibility,
        "minimum_age": least,
        "maximum_age": most,
        "assurer_email": "directory@care.example",
        "schedules": [{"id": str(uuid5(id, "hours")), "description": offer.hours}],
        "phones": [{"id": str(uuid5(id, "phone")), "number": offer.phone, "type": "voice"}],
        "languages": [{"id": str(uuid5(id, one)), "name": one} for one in offer.languages],
        "attributes": ours.attributes(id, told),
    }
    if offer.verified is not None:
        said["assured_date"] = (today - timedelta(days=offer.verified)).isoformat()
    if offer.place is not None:
        said["service_at_locations"] = [_at(id, offer.place)]
    return said


def _at(service: UUID, place: str) -> dict[str, Any]:
    address, lat, lon = PLACES[place]
    return {
        "id": str(uuid5(service, place)),
        "location": {
            "id": str(id_of(place)),
            "location_type": "physical",
            "name": place,
            "latitude": lat,
            "longitude": lon,
            "addresses": [
                {
                    "id": str(uuid5(id_of(place), "address")),
                    "address_1": address,
                    "city": "Seattle",
                    "state_province": "WA",
                    "postal_code": "98104",
                    "country": "US",
                    "address_type": "physical",
                }
            ],
        },
    }
