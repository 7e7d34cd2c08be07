"""What supervisors do with a follow-up. Each act is told as an event under their name, as a tablet
tells it, so that nothing is decided in two ways; words that go with it are kept there.

All raise ProblemError: FORBIDDEN for who does not see it, CONFLICT where it has ended, INVALID with
the fields to mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User
from apps.core.clock import iso
from apps.core.problems import CONFLICT, FORBIDDEN, INVALID, FieldError, ProblemError
from apps.followups import codes
from apps.followups.models import FollowUp, FollowUpEvent, FollowUpState
from apps.followups.records import lock
from apps.followups.services.telling import tell
from apps.followups.tellings import believable

# What a supervisor may end one with by hand: what somebody has found out is told as a try.
ENDS: Final = ("withdrawn", "met", "not_reached", "declined", "deceased")


@transaction.atomic
def hand_over(
    *, follow_up: FollowUp, to: User, note: str = "", by: User, now: datetime
) -> FollowUpEvent:
    """Gives it to somebody of its team, who has it from now on."""
    if not to.is_active or to.team_id != follow_up.team_id:
        raise ProblemError(INVALID, errors=[FieldError("/to", "Somebody who works in its team.")])
    return _tell(follow_up, "taken", {"to": str(to.pk), "note": note}, by, now)


@transaction.atomic
def give_back(*, follow_up: FollowUp, note: str = "", by: User, now: datetime) -> FollowUpEvent:
    """Gives it back to whoever of the team is on duty."""
    return _tell(follow_up, "released", {"note": note}, by, now)


@transaction.atomic
def acknowledge(*, follow_up: FollowUp, by: User, now: datetime) -> FollowUpEvent:
    """Says that somebody knows: its reminders are silent until its next window."""
    return _tell(follow_up, "acknowledged", {"occasion": follow_up.occasion}, by, now)


@transaction.atomic
def snooze(
    *, follow_up: FollowUp, until: datetime, note: str = "", by: User, now: datetime
) -> FollowUpEvent:
    """Reminds of it later."""
    _later("until", until, now)
    return _tell(follow_up, "snoozed", {"until": iso(until), "note": note}, by, now)


@transaction.atomic
def pause(
    *,
    follow_up: FollowUp,
    reason: str,
    until: datetime | None = None,
    note: str = "",
    by: User,
    now: datetime,
) -> FollowUpEvent:
    """Lets it rest, with all others of the person: in jail, in hospital. `until`: it goes on then
    by itself."""
    if reason not in codes.PAUSES:
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Why does it rest?")])
    if until is not None:
        _later("until", until, now)
    told = {"reason": reason, "until": iso(until), "note": note}
    return _tell(follow_up, "paused", told, by, now)


@transaction.atomic
def resume(*, follow_up: FollowUp, note: str = "", by: User, now: datetime) -> FollowUpEvent:
    """Lets it go on, with all others of the person."""
    return _tell(follow_up, "resumed", {"note": note}, by, now)


@transaction.atomic
def record_try(
    *,
    follow_up: FollowUp,
    result: str,
    way: str = "phone",
    at: datetime | None = None,
    where: str = "",
    note: str = "",
    next_from: datetime | None = None,
    next_until: datetime | None = None,
    by: User,
    now: datetime,
) -> FollowUpEvent:
    """Writes down that somebody tried, by telephone if nothing else is said: when, whether they
    reached the person, what next."""
    if result not in codes.RESULTS:
        raise ProblemError(INVALID, errors=[FieldError("/result", "What came of it?")])
    if at is not None and (at > now or not believable(at, now)):
        raise ProblemError(INVALID, errors=[FieldError("/at", "It has happened already.")])
    if next_from is not None:
        _later("next_from", next_from, now)
    _in_order("next_until", next_from, next_until)
    told = {
        "result": result,
        "way": way,
        "where": where,
        "note": note,
        "next_from": iso(next_from),
        "next_until": iso(next_until),
    }
    return _tell(follow_up, "attempted", told, by, now, at=at)


@transaction.atomic
def move(
    *,
    follow_up: FollowUp,
    due_from: datetime,
    due_until: datetime | None = None,
    note: str,
    by: User,
    now: datetime,
) -> FollowUpEvent:
    """Moves its window, for a reason."""
    _later("due_from", due_from, now)
    _in_order("due_until", due_from, due_until)
    _said(note)
    told = {"due_from": iso(due_from), "due_until": iso(due_until), "note": note}
    return _tell(follow_up, "moved", told, by, now)


@transaction.atomic
def end(
    *, follow_up: FollowUp, outcome: str = "withdrawn", note: str, by: User, now: datetime
) -> FollowUpEvent:
    """Ends it by hand, for a reason."""
    if outcome not in ENDS:
        raise ProblemError(INVALID, errors=[FieldError("/outcome", "How does it end?")])
    _said(note)
    return _tell(follow_up, "ended", {"outcome": outcome, "note": note}, by, now)


@transaction.atomic
def take_back(*, event: FollowUpEvent, note: str, by: User, now: datetime) -> FollowUpEvent:
    """Takes back what was told by mistake, for a reason: it is as if it had never been told. What
    had ended by it goes on."""
    _said(note)
    follow_up = FollowUp.objects.get(pk=event.follow_up_id)
    told = {"event_id": str(event.pk), "note": note}
    return _tell(follow_up, "withdrawn", told, by, now, ended_too=True)


def _tell(
    follow_up: FollowUp,
    event: str,
    told: Mapping[str, Any],
    by: User,
    now: datetime,
    *,
    at: datetime | None = None,
    ended_too: bool = False,
) -> FollowUpEvent:
    if not FollowUp.objects.visible_to(by).filter(pk=follow_up.pk).exists():
        raise ProblemError(FORBIDDEN, "You do not see this follow-up.")
    lock(follow_ups=[follow_up.pk])
    ended = FollowUp.objects.filter(pk=follow_up.pk, state=FollowUpState.ENDED).exists()
    if ended and not ended_too:
        raise ProblemError(CONFLICT, "It has ended.")
    content = {name: value for name, value in told.items() if value not in (None, "")}
    return tell(follow_up=follow_up, event=event, author=by, content=content, at=at, now=now)


def _later(field: str, at: datetime, now: datetime) -> None:
    if at <= now or not believable(at, now):
        raise ProblemError(INVALID, errors=[FieldError(f"/{field}", "A time to come.")])


def _in_order(field: str, start: datetime | None, until: datetime | None) -> None:
    if until is not None and (start is None or until < start):
        detail = "After the time from which it is due."
        raise ProblemError(INVALID, errors=[FieldError(f"/{field}", detail)])


def _said(note: str) -> None:
    if not note.strip():
        raise ProblemError(INVALID, errors=[FieldError("/note", "Say why.")])
