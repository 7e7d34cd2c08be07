"""The admin of synchronisation: history, conflicts, the quarantine, what waits for what it is of,
tablets and what they say, recoveries, and the reactions that are parked."""

from apps.sync.admin import (
    claims,
    conflicts,
    early,
    history,
    parked,
    quarantine,
    receipts,
    recoveries,
    tablets,
)

__all__ = [
    "claims",
    "conflicts",
    "early",
    "history",
    "parked",
    "quarantine",
    "receipts",
    "recoveries",
    "tablets",
]
