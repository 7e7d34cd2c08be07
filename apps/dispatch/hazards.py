"""Words of a 911 call that speak of a hazard, so that no rule ever loses one.

The lists lean to the side of finding too much: a hazard that is named twice costs a glance.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from string import ascii_lowercase, ascii_uppercase
from typing import Literal

from apps.dispatch.calls import Caution, CautionKind, ExclusionHint

Hazard = Literal["weapon", "violence", "premise", "medical", "self_harm", "caution"]

#: What stands for a hazard in place of a text that is withheld. Each label is found again by
#: `mentions`, so that withholding twice loses nothing.
LABELS: dict[Hazard, str] = {
    "weapon": "weapon",
    "violence": "violence",
    "premise": "premise hazard",
    "medical": "medical need",
    "self_harm": "self-harm",
    "caution": "caution",
}

_GAP = r"[\W_]{1,4}"
_WORDS: dict[Hazard, str] = {
    "weapon": r"""
        weapons? | weapn s? | wea?pns? | wpns? | armed | guns? | handguns? | firearms? | pistols? |
        revolvers? | rifles? | shotguns? | ammo | ammunition | bullets? | shots~(?:heard|fired) |
        shots | shootings? | shoots? | shooter | shot~at | knife | knives | blades? | machetes? |
        swords? | daggers? | axe s? | hatchets? | box~cutters? | boxcutters? | razors? |
        screwdrivers? | hammers? | crowbars? | (?:baseball~)?bats? | batons? | metal~pipes? |
        brass~knuckles | bombs? | explosives? | grenades? | molotovs? | taser s? | stun~guns? |
        crossbows? | (?:pepper|bear)~spray | sharps? | edged
    """,
    "violence": r"""
        violence | violent(?:ly)? | assault\w* | aslts? | attack\w* | fight\w* | fought |
        threat\w* | combative | aggressive\w* | hostile | dangerous | homicid\w* | murder\w* |
        kills? | killed | killing | stab | stabs | stabbed | stabbings? | raped? | rapist |
        robber\w* | robbed | domestic | dv | strang\w* | batter(?:y|ed|ing) |
        beat(?:s|en|ing)?~(?:up|him|her|them) | punch\w* | kick(?:s|ed|ing) | hitting |
        hit~(?:him|her|them|me|staff|someone) | resist\w* | gangs? | kidnap\w* | hostages? |
        officer~safety | anti~police | hates~(?:police|cops|officers) | arson\w* | strikes? |
        throws | throwing | spits? | spitting | biting
    """,
    "premise": r"""
        premise~hazards? | hazards? | hazardous | hazmat | dogs? | pit~?bulls? | booby | trap s? |
        trapped | needles? | syringes? | gas~leaks? | fire | fires | smoke | fumes | meth~lab |
        chemicals? | asbestos | unsafe | barricaded? | do~not~enter | unstable | live~wires? |
        wires~down | collapsed~(?:floor|roof|stairs?) | bio~?hazards? | mold | hoarder | hoarding
    """,
    "medical": r"""
        medical | medics? | not~breathing | breathing | unconscious | unresponsive | overdos\w* | od
        | narcan | naloxone | seizures? | seizing | bleeding | bleeds | blood | diabetic | insulin |
        cardiac | heart | stroke | chest~pains? | choking | hypotherm\w* | pregnan\w* | injur\w* |
        cpr | collapsed | fainted | burns? | burned | fell | fallen | contagious | covid | tb | hiv
        | sick | pulse | cyanotic | turning~blue | blue~lips
    """,
    "self_harm": r"""
        self~harm\w* | suicid\w* | wants~to~die | kill~(?:him|her|them|my)sel(?:f|ves) |
        killing~(?:him|her|them|my)sel(?:f|ves) | jump(?:er|ing)? | overdos\w* | hang(?:ing)? |
        cut(?:ting)?~(?:him|her|them|my)sel(?:f|ves) | (?:on|off)~(?:the~)?(?:bridge|ledge|roof)
    """,
    "caution": r"""
        cautions? | flagged~(?:for|address|location|premise) | beware | stage~(?:for|away)
    """,
}


# One character for one, so that what is found stands where it stood. The last four are what
# `re.IGNORECASE` takes for a letter of these words too.
_SMALL = str.maketrans(f"{ascii_uppercase}\u017f\u212a\u0130\u0131", f"{ascii_lowercase}skii")


def phrase(pattern: str) -> re.Pattern[str]:
    """A pattern of whole words, for a text in `small` letters. `~` is what may lie between two
    words; blanks do not count."""
    bare = re.sub(r"\s+", "", pattern).replace("~?", f"(?:{_GAP})?").replace("~", _GAP)
    return re.compile(rf"(?<![a-z0-9])(?:{bare})(?![a-z0-9])")


def small(text: str) -> str:
    """A text as the patterns read it, as long as it was. They would find the same without regard to
    case, in three times the time: it takes a letter's case to rule out most words at a glance."""
    return text.translate(_SMALL)


_PATTERNS: dict[Hazard, re.Pattern[str]] = {name: phrase(words) for name, words in _WORDS.items()}


def spans(text: str) -> Iterator[tuple[int, int, Hazard]]:
    """Start, end and hazard of every word that speaks of one."""
    text = small(text)
    for hazard, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield match.start(), match.end(), hazard


def mentions(text: str) -> frozenset[Hazard]:
    """The hazards that a text speaks of, denied ones ("no weapons") included."""
    text = small(text)
    return frozenset(hazard for hazard, pattern in _PATTERNS.items() if pattern.search(text))


def caution_kind(text: str) -> CautionKind:
    """The kind of caution that a text tells of, the gravest where there are several."""
    found = mentions(text)
    if "weapon" in found:
        return "weapon"
    if "violence" in found:
        return "violence"
    if "premise" in found:
        return "premise"
    return "medical" if found & {"medical", "self_harm"} else "other"


def hidden_cautions(hazards: Collection[Hazard]) -> list[Caution]:
    """Cautions for hazards in parts of a message that nobody sees."""
    kinds: tuple[Literal["weapon", "violence", "premise"], ...] = ("weapon", "violence", "premise")
    text = "mentioned in a part of the message that is not shown, ask dispatch"
    return [
        Caution(severity="high", kind=kind, text=f"{LABELS[kind]} {text}")
        for kind in kinds
        if kind in hazards
    ]


def stated_cautions(hints: Iterable[ExclusionHint]) -> list[Caution]:
    """Cautions for the hazards that the source states among the terms of the rules. A crew reads
    the cautions: nobody should have to find a weapon in why a call is not eligible."""
    kinds: tuple[Literal["weapon", "violence"], ...] = ("weapon", "violence")
    stated = {hint.name for hint in hints if hint.answer == "yes"}
    return [
        Caution(severity="high", kind=kind, text=f"{LABELS[kind]} stated by the 911 centre")
        for kind in kinds
        if kind in stated
    ]
