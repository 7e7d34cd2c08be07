"""What each figure means: in words that stand beside it wherever it is shown. Pure data.

`missing` says what is not known and is in neither numerator nor denominator, and how many of those
there are is always shown. Sources: SAMHSA's National Guidelines for Behavioral Health Crisis Care
(2020) for what mobile crisis teams count; the rest follows from the agreement between CARE, police
and fire and is this project's own, to be confirmed by both departments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VERSION: Final = "2026-11"


@dataclass(frozen=True)
class Definition:
    """A figure in words. `unit`: %, min, count, a week."""

    code: str
    title: str
    says: str
    numerator: str
    denominator: str
    missing: str
    unit: str
    source: str = "Carefield"


_ALL: Final = (
    Definition(
        "dispatches",
        "Dispatches",
        "How often a CARE unit was given a call, or began one.",
        "Dispatches: one for each unit on each incident.",
        "-",
        "Nothing: every dispatch is on record.",
        "count",
    ),
    Definition(
        "response",
        "Response time",
        "From the moment in which a unit was given the call to its arrival on scene.",
        "Minutes from given to on scene; median and 90th percentile.",
        "Dispatches by 911, police or fire that arrived, with both times.",
        "Arrivals without a trustworthy time, and dispatches that never arrived.",
        "min",
        "SAMHSA 2020: response time",
    ),
    Definition(
        "contact",
        "Contact rate",
        "How often CARE met the person it was sent to.",
        "Ended dispatches on which contact was made.",
        "Ended dispatches but those called off before arrival or declined.",
        "Dispatches that have not ended.",
        "%",
        "SAMHSA 2020: share served in the community",
    ),
    Definition(
        "outcomes",
        "How dispatches ended",
        "Ends of dispatches, as the crew told them.",
        "Dispatches with this end.",
        "Ended dispatches.",
        "Dispatches that have not ended.",
        "count",
    ),
    Definition(
        "police_minutes",
        "Police minutes given back",
        "How long CARE stayed on after police had gone: time that they did not have to stay.",
        "Sum over police units of the time from their release to CARE's end, never below nought.",
        "Police units on incidents that CARE took over and ended.",
        "Police units whose release or whose incident's end has no trustworthy time: as nought.",
        "min",
    ),
    Definition(
        "fire_minutes",
        "Fire minutes given back",
        "Likewise for units of the fire department.",
        "Sum over fire units of the time from their release to CARE's end, never below nought.",
        "Fire units on incidents that CARE took over and ended.",
        "Fire units whose release or whose incident's end has no trustworthy time: as nought.",
        "min",
    ),
    Definition(
        "doses",
        "Naloxone doses a week",
        "How much naloxone CARE's responders gave.",
        "Doses that CARE gave.",
        "Weeks.",
        "Doses given by others, before or beside CARE, are counted apart.",
        "a week",
        "NEMSIS 3.5.1 eMedications",
    ),
    Definition(
        "referral_loop",
        "Referral loop closed",
        "How many of those who were referred have an outcome: served, not served, declined ...",
        "Referrals with an outcome.",
        "Referrals made in this time that were sent to a partner and not withdrawn.",
        "Referrals that are still open.",
        "%",
        "FHIR Task: completed, failed",
    ),
    Definition(
        "followup_tried_24h",
        "Follow-up tried within 24 hours",
        "How soon people who had agreed to it were looked for again.",
        "People with a first try within 24 hours after the window of their follow-up began.",
        "Encounters with a follow-up whose first window began in this time.",
        "Follow-ups that ended before they were due.",
        "%",
        "SAMHSA 2020: follow-up",
    ),
    Definition(
        "followup_reached_72h",
        "Follow-up reached within 72 hours",
        "How soon they were reached.",
        "People reached within 72 hours after the window of their follow-up began.",
        "Encounters with a follow-up whose first window began in this time.",
        "Follow-ups that ended before they were due.",
        "%",
        "SAMHSA 2020: follow-up",
    ),
    Definition(
        "records",
        "Records of dispatches",
        "Whether there is a record of each dispatch, and of what sort.",
        "Ended dispatches with a record: automatic (two taps), minimal and full apart.",
        "Ended dispatches.",
        "Dispatches that have not ended.",
        "%",
    ),
    Definition(
        "eligible_not_sent",
        "Eligible, not sent",
        "Calls that the dispatch rules would have let CARE take, to which it was not sent.",
        "Incidents that were eligible, without a CARE unit.",
        "Incidents that the rules found eligible.",
        "Incidents of which the rules could not tell.",
        "%",
    ),
)

DEFINITIONS: Final[Mapping[str, Definition]] = {one.code: one for one in _ALL}

# Reports, which have a page of their own.
NOT_SENT: Final = Definition(
    "not_sent",
    "Eligible, not sent",
    "Calls that the dispatch rules would have let CARE take, and that no CARE unit was sent to.",
    "Calls judged eligible when they came in, not merged into another, that never had a CARE unit.",
    "-",
    "Calls of which the rules needed something that nobody told (not determined): not counted.",
    "count",
)
FREE: Final = Definition(
    "free",
    "With a unit free",
    "Of those, how often a CARE unit could have gone at once.",
    "Calls that came in while a CARE unit had a crew and no call.",
    "Calls that were eligible and not sent.",
    "A unit that was given on to another is counted as busy where the call is now.",
    "%",
)
DECLINED_BY: Final = Definition(
    "declined_by",
    "Declined by",
    "Who declined: CARE a call, or another agency CARE.",
    "Declines on incidents that CARE was given; what was taken back is not counted.",
    "-",
    "Declines that nobody told, on the radio or at all; those without a reason are counted so.",
    "count",
)
