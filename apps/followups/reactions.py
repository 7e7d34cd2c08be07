"""Follow-ups follow what becomes known of their persons, their calls, and who is on duty."""

from __future__ import annotations

from datetime import datetime

from apps.changes.published import Event
from apps.changes.reactions import reacts_to
from apps.followups.models import FollowUp
from apps.followups.services import agreements, following, handing, planning
from apps.people.models import Encounter, Match, OpenedBy


@reacts_to("assignment.contact_made", "assignment.closed", "assignment.reopened")
def follow_call(event: Event, *, now: datetime) -> None:
    """Somebody was met on a call, or was not after all. It says something of the other calls of a
    person who is named for certain; of its own follow-ups a call says nothing."""
    named = Encounter.objects.of(event.subject).filter(match=Match.CONFIRMED)
    for encounter in named.values_list("pk", flat=True):
        following.restate(encounter_id=encounter, now=now)


@reacts_to("encounter.opened", "encounter.changed")
def follow_encounter(event: Event, *, now: datetime) -> None:
    """Whom it is with may be another one now: who follows them up sees their record. One that has
    just been opened with nobody in it changes nothing for anybody."""
    opened = event.name == "encounter.opened"
    if opened and Encounter.objects.filter(pk=event.subject, person_id=None).exists():
        return
    following.restate(encounter_id=event.subject, show=True, now=now)


@reacts_to("person.unlinked", "person.merged", "person.unmerged")
def follow_person(event: Event, *, now: datetime) -> None:
    """What was told of a person counts for others than before."""
    following.restate(person_id=event.subject, show=True, now=now)


@reacts_to("crew.changed")
def hand_back_of_unit(event: Event, *, now: datetime) -> None:
    """Who has left their unit has no follow-up in hand any more, and who has come to it has those
    that nobody has."""
    following.show_to_unit(unit_id=event.subject, now=now)
    handing.hand_back_of_unit(unit_id=event.subject, now=now)


@reacts_to("user.deactivated")
def hand_back(event: Event, *, now: datetime) -> None:
    """Nor has who does not work here any more."""
    rows = FollowUp.objects.of_owner(event.subject).values_list("pk", flat=True)
    handing.hand_back(follow_up_ids=list(rows), owner_id=event.subject, now=now)


@reacts_to("follow_up.reopened")
def hand_back_reopened(event: Event, *, now: datetime) -> None:
    """Nor what had ended when they left, and goes on after all."""
    handing.hand_back_reopened(follow_up_id=event.subject, now=now)


@reacts_to(
    "encounter.opened",
    "encounter.changed",
    "encounter.referred",
    "note.signed",
    "note.addendum",
    "dose.recorded",
    "follow_up.agreement_told",
)
def plan_encounter(event: Event, *, now: datetime) -> None:
    """Whatever becomes known of an encounter may ask for more. One that the timeline has opened is
    planned with its call, whose row both hold."""
    if event.name == "encounter.opened":
        by_timeline = Encounter.objects.filter(pk=event.subject, opened_by=OpenedBy.TIMELINE)
        if by_timeline.exists():
            return
    planning.follow_encounter(encounter_id=event.subject, now=now)


@reacts_to("follow_up.agreement_told")
def follow_agreement(event: Event, *, now: datetime) -> None:
    """A refusal ends what was made; a word that opens it again lets it go on."""
    following.restate(encounter_id=event.subject, now=now)


@reacts_to(
    "assignment.opened",
    "assignment.moved",
    "assignment.closed",
    "assignment.reopened",
    "assignment.left",
)
def show_agreements(event: Event, *, now: datetime) -> None:
    """What was said on a call is shown to whoever has it now."""
    agreements.show_agreements(assignment_id=event.subject, now=now)


@reacts_to("encounter.kept")
def show_agreements_of_encounter(event: Event, *, now: datetime) -> None:
    """And to whoever owes a record of it."""
    row = Encounter.objects.filter(pk=event.subject).first()
    if row is not None:
        agreements.show_agreements(assignment_id=row.assignment_id, now=now)


@reacts_to("assignment.closed", "assignment.reopened")
def plan_call(event: Event, *, now: datetime) -> None:
    """A call that is over is followed up by the plan."""
    planning.follow_assignment(assignment_id=event.subject, now=now)
