"""Where people can go, and who is sent there."""

from apps.referrals.models.directory import (
    Capacity,
    CapacitySource,
    Location,
    Organization,
    Service,
    ServiceAtLocation,
)
from apps.referrals.models.facilityfacts import (
    DirectoryTask,
    FacilityFact,
    FacilityFactKind,
    TaskReport,
)

__all__ = [
    "Capacity",
    "CapacitySource",
    "DirectoryTask",
    "FacilityFact",
    "FacilityFactKind",
    "Location",
    "Organization",
    "Service",
    "ServiceAtLocation",
    "TaskReport",
]
