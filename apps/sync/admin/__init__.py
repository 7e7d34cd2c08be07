"""The admin of synchronisation: history, conflicts, the quarantine, tablets and what they say,
recoveries, and the reactions that are parked."""

from apps.sync.admin import (
    claims,
    conflicts,
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
    "history",
    "parked",
    "quarantine",
    "receipts",
    "recoveries",
    "tablets",
]
