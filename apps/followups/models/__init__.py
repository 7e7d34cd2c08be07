"""Plans, what people agreed to, follow-ups, what is told of them, and their reminders."""

from apps.followups.models.attempts import ClockAttempt
from apps.followups.models.followups import (
    FollowUp,
    FollowUpEvent,
    FollowUpOutcome,
    FollowUpPurpose,
    FollowUpState,
    FollowUpWay,
    PauseReason,
    Reminder,
    ReminderChannel,
)
from apps.followups.models.plans import (
    FollowUpAgreement,
    FollowUpBasis,
    FollowUpPlan,
    MissingAgreement,
)

__all__ = [
    "ClockAttempt",
    "FollowUp",
    "FollowUpAgreement",
    "FollowUpBasis",
    "FollowUpEvent",
    "FollowUpOutcome",
    "FollowUpPlan",
    "FollowUpPurpose",
    "FollowUpState",
    "FollowUpWay",
    "MissingAgreement",
    "PauseReason",
    "Reminder",
    "ReminderChannel",
]
