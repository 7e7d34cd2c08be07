"""Which rows a story is told from: those that its reader may see, in a fixed number of statements.

Who may see what is decided where it always is. Each model is asked twice: whether its page in the
admin is for the reader's role, and which of its rows they may see (`visible_to`). What is found
only by the id of something else (a signature, a reminder) is looked for among what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.db.models import Count, Q

from apps.accounts.models import User
from apps.assignments.models import Alert, Assignment, Fact
from apps.assignments.records import on_the_call
from apps.audit.admin import RoleAdmin
from apps.casenotes.models import (
    Addendum,
    CaseNote,
    EncounterRecord,
    NoteAuthor,
    Review,
    Signature,
)
from apps.casenotes.records import is_of_the_crew
from apps.cockpit.stories.rows import Rows
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from apps.followups.models import (
    FollowUp,
    FollowUpAgreement,
    FollowUpEvent,
    MissingAgreement,
    Reminder,
)
from apps.notify.models import Notification
from apps.people.ids import record_id
from apps.people.models import BrokenGlass, Encounter, Person
from apps.people.services.persons import families_of
from apps.referrals.models import (
    Consent,
    ConsentRecipient,
    Disclosure,
    PartnerAgency,
    Referral,
    ReferralAnswer,
    ReferralTask,
)
from apps.sync.models import Conflict, QuarantinedWrite, Version

# Encounters of a person that one page tells of; the page before it tells of earlier ones.
CALLS: Final = 20
V = TypeVar("V", bound="models.QuerySet[Any]")


@dataclass(frozen=True)
class PersonStory:
    """A person's rows. `group`: all records that are the same person. `earlier`: the encounter
    before which the next page goes on, None where this one begins with the first. `since` and
    `until` bound what the page tells beside its encounters."""

    person: Person
    rows: Rows
    earlier: UUID | None
    since: datetime | None
    until: datetime | None


def assignment(id: UUID, by: User) -> tuple[Assignment, Rows] | None:
    """An assignment and all that is recorded on it. None: it is not for this reader."""
    found = seen(Assignment.objects.all(), by).filter(pk=id)
    row = found.select_related("incident", "unit", "given_by").first()
    if row is None:
        return None
    rows = Rows(assignments=[row])
    rows.encounters = list(seen(Encounter.objects.of(id), by))
    _read(rows, by, _On("assignment_id", [id]))
    return row, rows


def encounter(id: UUID, by: User) -> tuple[Encounter, Rows] | None:
    """An encounter with what happened on its call; what is of the call's others is not in it."""
    row = seen(Encounter.objects.all(), by).filter(pk=id).first()
    if row is None:
        return None
    rows = Rows(encounters=[row], only_of=frozenset({id}))
    rows.assignments = _assignments([row.assignment_id], by)
    _read(rows, by, _On("encounter_id", [id]))
    return row, rows


def person(id: UUID, by: User, *, before: UUID | None = None) -> PersonStory | None:
    """A person with their last encounters, or those before the one that is named."""
    row = seen(Person.objects.all(), by).filter(pk=id).first()
    if row is None:
        return None
    group = families_of([id]).keys()
    with_them = seen(Encounter.objects.with_person(group), by)
    cursor = with_them.filter(pk=before).first() if before else None
    if cursor is not None:
        earlier = Q(opened_at=cursor.opened_at, pk__lt=cursor.pk)
        with_them = with_them.filter(Q(opened_at__lt=cursor.opened_at) | earlier)
    found = list(with_them.order_by("-opened_at", "-pk")[: CALLS + 1])
    more = len(found) > CALLS
    found = found[:CALLS]
    ids = [one.pk for one in found]
    rows = Rows(encounters=found[::-1], only_of=frozenset(ids))
    rows.assignments = _assignments({one.assignment_id for one in found}, by)
    rows.persons = list(seen(Person.objects.filter(pk__in=group), by).order_by("pk"))
    glass = seen(BrokenGlass.objects.filter(person__in=group), by)
    rows.glass = list(glass.select_related("user", "reviewed_by").order_by("at"))
    _read(rows, by, _On("encounter_id", ids))
    _name(rows)
    return PersonStory(
        person=row,
        rows=rows,
        earlier=found[-1].pk if more else None,
        since=found[-1].opened_at if more else None,
        until=cursor.opened_at if cursor else None,
    )


def person_of(row: Encounter, by: User) -> Person | None:
    """Whom an encounter names, as far as its reader may see them: the record to go on with."""
    if row.person_id is None:
        return None
    root = families_of([row.person_id]).get(row.person_id, row.person_id)
    return seen(Person.objects.filter(pk=root), by).first()


@dataclass(frozen=True)
class _On:
    """By which column rows are found, and where."""

    column: str
    ids: list[UUID]

    def where(self) -> dict[str, Any]:
        return {f"{self.column}__in": self.ids}


def seen(rows: V, by: User, *, as_of: type[models.Model] | None = None) -> V:
    """Those of these rows that a person may see. `as_of`: the model whose page says for which roles
    it is, where these have none of their own."""
    page = admin.site.get_model_admin(as_of or rows.model)
    assert isinstance(page, RoleAdmin)
    if by.role not in page.VIEW:
        return rows.none()
    visible: V = rows.visible_to(by)  # type: ignore[attr-defined]
    return visible


def _read(rows: Rows, by: User, on: _On) -> None:
    calls = [row.pk for row in rows.assignments]
    # What a responder tells of themselves is theirs, and so is what is offered to them for it: the
    # printed story of a client is no place for either. Neither is among what is "of calls".
    facts = seen(Fact.objects.of_calls(calls), by)
    rows.facts, _ = on_the_call(facts.select_related("author", "unit"))
    rows.facts.sort(key=lambda fact: str(fact.assignment_id))  # each call's stay in their order
    rows.alerts = list(seen(Alert.objects.of_calls(calls), by))
    _read_notes(rows, by, on)
    _read_care(rows, by)
    _read_referrals(rows, by, on)
    _read_follow_ups(rows, by, on)
    _read_waiting(rows, by)


def _read_notes(rows: Rows, by: User, on: _On) -> None:
    notes = seen(CaseNote.objects.filter(**on.where()), by)
    rows.notes = list(notes.select_related("owed_report").order_by("begun_at", "pk"))
    known = {note.pk: note for note in rows.notes}
    authors = NoteAuthor.objects.filter(note__in=known).select_related("author")
    rows.authors = list(authors.order_by("first_at", "pk"))
    signatures = Signature.objects.filter(note__in=known).select_related("author")
    rows.signatures = list(signatures.order_by("received_at", "pk"))
    added = Addendum.objects.filter(note_id__in=known).select_related("author", "recorded_by")
    in_turn = added.order_by("received_at", "pk")
    rows.addenda = [one for one in in_turn if is_of_the_crew(one, known[one.note_id])]
    reviews = Review.objects.filter(note__in=known).select_related("policy", "reviewer")
    rows.reviews = list(reviews.order_by("asked_at", "pk"))
    of_notes = Version.objects.filter(collection="case_notes", doc_id__in=known)
    counted = of_notes.order_by().values_list("doc_id").annotate(Count("pk"))
    rows.saves = Counter(dict(counted))
    met = [row.pk for row in rows.encounters]
    rows.owed = list(seen(EncounterRecord.objects.filter(pk__in=met), by))


def _read_care(rows: Rows, by: User) -> None:
    on = _On("assignment_id", [row.pk for row in rows.assignments])
    told = ("author", "unit")
    doses = seen(NaloxoneDose.objects.filter(**on.where()), by)
    rows.doses = list(doses.select_related(*told).order_by("order"))
    aid = seen(FirstAidLog.objects.filter(**on.where()), by)
    rows.aid = list(aid.select_related(*told).order_by("order"))
    answers = seen(OverdoseAnswer.objects.filter(**on.where()), by, as_of=NaloxoneDose)
    rows.answers = list(answers.select_related(*told).order_by("order"))


def _read_referrals(rows: Rows, by: User, on: _On) -> None:
    referrals = seen(Referral.objects.filter(**on.where()), by).select_related("created_by")
    rows.referrals = list(referrals.order_by("created_at", "pk"))
    tasks = seen(ReferralTask.objects.filter(referral__in=rows.referrals), by)
    rows.tasks = list(tasks.select_related("partner", "asked_by").order_by("asked_at", "pk"))
    replies = seen(
        ReferralAnswer.objects.filter(referral__in=rows.referrals), by, as_of=ReferralTask
    )
    rows.replies = list(replies.select_related("recorded_by").order_by("received_at", "pk"))
    consents = seen(Consent.objects.filter(**on.where()), by)
    in_turn = consents.select_related("recorded_by", "revoked_by").order_by("given_at", "pk")
    rows.consents = list(in_turn)
    named = seen(ConsentRecipient.objects.filter(consent__in=rows.consents), by)
    rows.recipients = list(named.select_related("partner").order_by("partner__name"))
    told = seen(Disclosure.objects.filter(**on.where()), by)
    rows.disclosures = list(told.select_related("partner", "discloser").order_by("at", "pk"))
    rows.programmes = PartnerAgency.objects.programmes()


def _read_follow_ups(rows: Rows, by: User, on: _On) -> None:
    agreements = seen(FollowUpAgreement.objects.filter(**on.where()), by)
    rows.agreements = list(agreements.select_related("author").order_by("received_at", "pk"))
    met = [row.pk for row in rows.encounters]
    rows.missing = list(
        seen(MissingAgreement.objects.filter(encounter_id__in=met), by).filter(settled_at=None)
    )
    follow_ups = seen(FollowUp.objects.filter(**on.where()), by)
    with_people = follow_ups.select_related("owner", "created_by")
    rows.follow_ups = list(with_people.order_by("created_at", "pk"))
    ids = [row.pk for row in rows.follow_ups]
    tries = seen(FollowUpEvent.objects.of(ids), by, as_of=FollowUp)
    rows.tries = list(tries.select_related("author"))
    rows.reminders = list(Reminder.objects.filter(follow_up__in=ids).order_by("raised_at", "pk"))
    about = [*ids, *(row.pk for row in rows.owed)]
    messages = Notification.objects.filter(subject_id__in=about).select_related("user", "message")
    rows.messages = list(messages.order_by("made_at", "pk"))


def _read_waiting(rows: Rows, by: User) -> None:
    """What was refused of these documents, and what two wrote at once, as far as nobody has seen to
    it. A note that was refused whole is found by the id that it would have."""
    documents = {
        *(row.pk for row in (*rows.encounters, *rows.persons, *rows.notes)),
        *(row.pk for row in (*rows.referrals, *rows.consents, *rows.follow_ups)),
        *(record_id(row.pk, "case_note") for row in rows.encounters),
    }
    refused = QuarantinedWrite.objects.open().filter(doc_id__in=[str(id) for id in documents])
    rows.refused = list(seen(refused, by).order_by("at", "pk"))
    conflicts = Conflict.objects.open().filter(doc_id__in=documents)
    rows.conflicts = list(seen(conflicts, by).order_by("at", "pk"))


def _assignments(ids: Iterable[UUID], by: User) -> list[Assignment]:
    found = seen(Assignment.objects.filter(pk__in=set(ids)), by)
    return list(found.select_related("incident", "unit", "given_by").order_by("given_at", "pk"))


def _name(rows: Rows) -> None:
    """Those whom a person's record names by their id alone."""
    ids = {id for row in rows.persons for id in (row.created_by, row.merged_by) if id}
    rows.names = dict(User.objects.filter(pk__in=ids).values_list("pk", "display_name"))
