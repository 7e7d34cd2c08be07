"""Where people can go, and who is sent there."""

from apps.referrals.models.consents import (
    Consent,
    ConsentForm,
    ConsentRecipient,
    ConsentRevocation,
)
from apps.referrals.models.directory import (
    Capacity,
    CapacitySource,
    Location,
    Organization,
    Service,
    ServiceAtLocation,
)
from apps.referrals.models.disclosures import Basis, Disclosure
from apps.referrals.models.facilityfacts import (
    DirectoryTask,
    FacilityFact,
    FacilityFactKind,
    TaskReport,
)
from apps.referrals.models.links import (
    Channel,
    LinkCode,
    LinkSession,
    PartnerContact,
    ReferralLink,
)
from apps.referrals.models.partners import PartnerAgency
from apps.referrals.models.referrals import (
    Awaited,
    Outcome,
    Referral,
    ReferralAnswer,
    ReferralTask,
    RequestStatus,
    ScorecardReading,
    TaskStatus,
    Urgency,
    Way,
)

__all__ = [
    "Awaited",
    "Basis",
    "Capacity",
    "CapacitySource",
    "Channel",
    "Consent",
    "ConsentForm",
    "ConsentRecipient",
    "ConsentRevocation",
    "DirectoryTask",
    "Disclosure",
    "FacilityFact",
    "FacilityFactKind",
    "LinkCode",
    "LinkSession",
    "Location",
    "Organization",
    "Outcome",
    "PartnerAgency",
    "PartnerContact",
    "Referral",
    "ReferralAnswer",
    "ReferralLink",
    "ReferralTask",
    "RequestStatus",
    "ScorecardReading",
    "Service",
    "ServiceAtLocation",
    "TaskReport",
    "TaskStatus",
    "Urgency",
    "Way",
]
