"""The admin of synchronisation: history, conflicts, the quarantine, tablets, recoveries."""

from apps.sync.admin import conflicts, history, quarantine, recoveries, tablets

__all__ = ["conflicts", "history", "quarantine", "recoveries", "tablets"]
