"""The rows that a story is told from. Plain lists: who may see which, `reading` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from apps.assignments.models import Alert, Assignment, Fact
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    EncounterRecord,
    NoteAuthor,
    Review,
    Signature,
)
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from apps.followups.models import (
    FollowUp,
    FollowUpAgreement,
    FollowUpEvent,
    MissingAgreement,
    Reminder,
)
from apps.notify.models import Notification
from apps.people.models import BrokenGlass, Encounter, Person
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    Disclosure,
    Referral,
    ReferralAnswer,
    ReferralTask,
)
from apps.sync.models import Conflict, QuarantinedWrite


@dataclass
class Rows:
    """Everything that one reader may see of some assignments, encounters and persons.

    `names`: of people who are named by their id alone. `saves`: how often each note was saved.
    `programmes`: the partners that are programmes under 42 CFR Part 2. `only_of`: doses and first
    aid are told of these encounters alone (None: of whole assignments). They are read of the whole
    call all the same: a correction may say that one was somebody else's.
    """

    only_of: frozenset[UUID] | None = None

    assignments: list[Assignment] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    encounters: list[Encounter] = field(default_factory=list)
    persons: list[Person] = field(default_factory=list)
    glass: list[BrokenGlass] = field(default_factory=list)
    notes: list[CaseNote] = field(default_factory=list)
    authors: list[NoteAuthor] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    addenda: list[Addendum] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    owed: list[EncounterRecord] = field(default_factory=list)
    saves: Counter[UUID] = field(default_factory=Counter)
    doses: list[NaloxoneDose] = field(default_factory=list)
    aid: list[FirstAidLog] = field(default_factory=list)
    answers: list[OverdoseAnswer] = field(default_factory=list)
    referrals: list[Referral] = field(default_factory=list)
    tasks: list[ReferralTask] = field(default_factory=list)
    replies: list[ReferralAnswer] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    recipients: list[ConsentRecipient] = field(default_factory=list)
    disclosures: list[Disclosure] = field(default_factory=list)
    programmes: frozenset[UUID] = frozenset()
    agreements: list[FollowUpAgreement] = field(default_factory=list)
    missing: list[MissingAgreement] = field(default_factory=list)
    follow_ups: list[FollowUp] = field(default_factory=list)
    tries: list[FollowUpEvent] = field(default_factory=list)
    reminders: list[Reminder] = field(default_factory=list)
    messages: list[Notification] = field(default_factory=list)
    refused: list[QuarantinedWrite] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    names: Mapping[UUID, str] = field(default_factory=dict)

    def name_of(self, user_id: UUID | None) -> str:
        """Somebody by their id; "" for nobody."""
        return self.names.get(user_id, "") if user_id else ""
