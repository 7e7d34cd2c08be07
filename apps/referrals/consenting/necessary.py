"""The minimum necessary: what a partner needs to know to meet a need, whatever was consented to
(45 CFR 164.502(b)). Ours, to be confirmed by CARE's lawyers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from apps.referrals.codes import DATA_CATEGORIES

_REACH: Final = frozenset({"identity", "contact", "needs", "access"})
_PLACE: Final = _REACH | {"whereabouts", "housing", "safety", "helps"}
_CARE: Final = _PLACE | {"health", "mental_health", "substance_use"}
_GOODS: Final = frozenset({"contact", "needs", "access", "whereabouts"})

MINIMUM: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "homelessness": _PLACE,
        "housing-instability": _REACH | {"housing"},
        "inadequate-housing": _REACH | {"housing"},
        "food-insecurity": _GOODS,
        "material-hardship": _GOODS,
        "transportation-insecurity": _REACH | {"whereabouts", "safety"},
        "intimate-partner-violence": _REACH | {"safety", "housing"},
        "elder-abuse": _REACH | {"safety", "housing", "whereabouts"},
        "crisis-stabilization": _CARE,
        "mental-health-care": _PLACE | {"health", "mental_health"},
        "substance-use-treatment": _PLACE | {"health", "substance_use"},
        "sobering": _PLACE | {"health", "substance_use"},
        "medical-care": _PLACE | {"health", "substance_use"},
    }
)


def necessary_for(needs: Iterable[str]) -> frozenset[str]:
    """The categories that are needed for all of these needs together. A need that is not listed:
    how to reach the person, and for what.

    >>> "health" in necessary_for(["food-insecurity"])
    False
    """
    found: frozenset[str] = frozenset()
    for need in needs:
        found |= MINIMUM.get(need, _REACH)
    return found


# What a purpose is about: a consent that names more opens no more.
PURPOSE_CATEGORIES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "referral": frozenset(DATA_CATEGORIES),
        "treatment": frozenset(DATA_CATEGORIES),
        "care_coordination": frozenset(DATA_CATEGORIES),
        "transport": frozenset({"identity", "whereabouts", "needs", "access", "helps", "safety"}),
    }
)
