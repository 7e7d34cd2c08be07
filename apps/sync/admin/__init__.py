"""The admin of synchronisation: history, conflicts, the quarantine, and how tablets are."""

from apps.sync.admin import conflicts, history, quarantine, tablets

__all__ = ["conflicts", "history", "quarantine", "tablets"]
