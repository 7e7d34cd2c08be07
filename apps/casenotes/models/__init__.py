"""Case notes and what belongs to them: signatures, addenda, reviews, the policies that notes are
judged by, and who owes a record."""

from apps.casenotes.models.notes import (
    Addendum,
    AddendumQuerySet,
    CaseNote,
    CaseNoteQuerySet,
    NoteAuthor,
    NoteState,
    Signature,
    ToldFact,
)
from apps.casenotes.models.owed import (
    EncounterRecord,
    EncounterRecordQuerySet,
    OwedReport,
    OwedReportQuerySet,
    RecordKind,
)
from apps.casenotes.models.policies import NotePolicy, PolicyQuerySet
from apps.casenotes.models.reviews import Review, ReviewQuerySet, ReviewState

__all__ = [
    "Addendum",
    "AddendumQuerySet",
    "CaseNote",
    "CaseNoteQuerySet",
    "EncounterRecord",
    "EncounterRecordQuerySet",
    "NoteAuthor",
    "NotePolicy",
    "NoteState",
    "OwedReport",
    "OwedReportQuerySet",
    "PolicyQuerySet",
    "RecordKind",
    "Review",
    "ReviewQuerySet",
    "ReviewState",
    "Signature",
    "ToldFact",
]
