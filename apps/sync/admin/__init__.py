"""The admin of synchronisation: history, conflicts, the quarantine, tablets, recoveries, and the
reactions that are parked."""

from apps.sync.admin import claims, conflicts, history, parked, quarantine, recoveries, tablets

__all__ = ["claims", "conflicts", "history", "parked", "quarantine", "recoveries", "tablets"]
