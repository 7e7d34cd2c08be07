"""What each basis other than consent opens, and what its record must say.

42 CFR 2.51 (medical emergency): medical personnel may have Part 2 data; the record names recipient
and affiliation, who disclosed, when, and the nature of the emergency. 2.12(c)(6): reports of child
abuse as state law asks. 2.61 ff.: a court order of its own. Handover for treatment and imminent
threat open no Part 2 data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from apps.referrals.codes import DATA_CATEGORIES

_ALL: Final = frozenset(DATA_CATEGORIES)


@dataclass(frozen=True)
class Basis:
    """`categories`: what may be told at most. `part2`: also of what comes from a Part 2 programme.
    `asks`: what its record has to name; what is missing is flagged and holds nothing up."""

    categories: frozenset[str]
    part2: bool
    asks: tuple[str, ...]


BASIS_RULES: Final[Mapping[str, Basis]] = MappingProxyType(
    {
        "treatment_handover": Basis(_ALL, part2=False, asks=("recipient", "affiliation", "at")),
        "medical_emergency": Basis(
            _ALL, part2=True, asks=("recipient", "affiliation", "at", "nature")
        ),
        "imminent_threat": Basis(
            frozenset({"identity", "whereabouts", "safety", "mental_health"}),
            part2=False,
            asks=("recipient", "at", "nature"),
        ),
        "mandated_report": Basis(
            frozenset({"identity", "whereabouts", "housing", "safety", "needs"}),
            part2=True,
            asks=("recipient", "at", "nature"),
        ),
        "court_order": Basis(_ALL, part2=True, asks=("recipient", "at", "nature")),
    }
)
_FLAG: Final[Mapping[str, str]] = MappingProxyType(
    {
        "recipient": "no_recipient_named",
        "affiliation": "no_affiliation",
        "nature": "no_nature",
        "at": "no_time",
    }
)


def opened_by_basis(basis: str, category: str, *, part2: bool) -> bool:
    """Whether a basis other than consent opens data of a category."""
    rule = BASIS_RULES.get(basis)
    return rule is not None and category in rule.categories and (rule.part2 or not part2)


def lacking(basis: str, told: Mapping[str, object]) -> list[str]:
    """What the record of a disclosure does not say and has to, as flags."""
    rule = BASIS_RULES.get(basis)
    asks = rule.asks if rule else ()
    return sorted(_FLAG[name] for name in asks if not told.get(name))
