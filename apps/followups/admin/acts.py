"""What a supervisor does with follow-ups: what each act asks first, and the verb that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django import forms

from apps.accounts.models import User
from apps.audit.acts import Act, MeantForm
from apps.core import clock
from apps.followups import codes
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.services import desk


def moment_field(**options: Any) -> forms.DateTimeField:
    """A time by the city's clock, as browsers let one pick it."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(widget=widget, **options)


def words(**options: Any) -> forms.CharField:
    """What is said beside it."""
    widget = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(max_length=4000, widget=widget, **options)


def _optional(label: str = "In words") -> forms.CharField:
    return words(label=label, required=False)


def _choice(known: Mapping[str, str], label: str, **options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(known.items()), label=label, **options)


class HandOverForm(forms.Form):
    to = forms.ModelChoiceField(User.objects.none(), label="To whom")
    note = _optional()


class NoteForm(forms.Form):
    note = _optional()


class SnoozeForm(forms.Form):
    until = moment_field(label="Remind again at")
    note = _optional()


class PauseForm(forms.Form):
    reason = _choice(codes.PAUSES, "Why it rests")
    until = moment_field(label="Until", required=False, help_text="Empty: until somebody says so.")
    note = _optional()


class TryForm(forms.Form):
    result = _choice(codes.RESULTS, "What came of it")
    way = _choice(codes.WAYS, "How", initial="phone")
    at = moment_field(label="When", required=False, help_text="Empty: now.")
    where = forms.CharField(max_length=400, required=False, label="Where, or which number")
    note = _optional("What was said")
    next_from = moment_field(label="Next try from", required=False, help_text="Empty: by the plan.")
    next_until = moment_field(label="Until", required=False)


class MoveForm(forms.Form):
    due_from = moment_field(label="Due from")
    due_until = moment_field(label="Until", required=False, help_text="Empty: as long as before.")
    note = words(label="Why")


class EndForm(forms.Form):
    outcome = _choice({one: codes.OUTCOMES[one] for one in desk.ENDS}, "How it ends")
    note = words(label="Why")


class TakeBackForm(forms.Form):
    event = forms.ModelChoiceField(FollowUpEvent.objects.none(), label="What was told by mistake")
    note = words(label="Why")


def called(row: FollowUp) -> str:
    """A follow-up on a page that asks: its purpose and window; of the person nothing."""
    return f"{row}, {row.get_purpose_display().lower()}, due from {_clock(row.due_from)}"


def _hand_over_form(by: User, rows: list[FollowUp]) -> type[forms.Form]:
    """Whoever works in the teams of these."""
    people = User.objects.filter(team__in={row.team_id for row in rows}, is_active=True)
    to = forms.ModelChoiceField(people.order_by("display_name"), label="To whom", initial=by)
    return type("OurHandOverForm", (HandOverForm,), {"to": to})


class _Told(forms.ModelChoiceField[FollowUpEvent]):
    def label_from_instance(self, obj: Any) -> str:
        by = obj.author or "Carefield"
        return f"{codes.EVENTS.get(obj.event, obj.event)}, {_clock(obj.received_at)}, by {by}"


def _take_back_form(by: User, rows: list[FollowUp]) -> type[forms.Form]:
    """Whatever was told of these."""
    told = FollowUpEvent.objects.of(row.pk for row in rows).exclude(event="withdrawn")
    event = _Told(told.select_related("author"), label="What was told by mistake")
    return type("OurTakeBackForm", (TakeBackForm,), {"event": event})


def _clock(at: datetime) -> str:
    return f"{at.astimezone(clock.city()):%a %Y-%m-%d %H:%M}"


_PASSED_OVER: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "open": frozenset({"resume"}),
        "paused": frozenset({"acknowledge", "snooze", "pause"}),
    }
)
# Of one that has ended: a try that was made before, and what was told by mistake.
_OF_ENDED: Final = frozenset({"record_try", "take_back"})


def _offered(name: str) -> Callable[[FollowUp], bool]:
    """Whether a page offers it, by how the follow-up stands."""
    return lambda row: (
        name in _OF_ENDED if row.state == "ended" else name not in _PASSED_OVER[row.state]
    )


def _act(
    name: str,
    label: str,
    question: str,
    form: type[forms.Form],
    verb: Callable[..., Any],
    **more: Any,
) -> Act:
    def act(row: FollowUp, by: User, given: dict[str, Any]) -> None:
        verb(follow_up=row, by=by, now=clock.now(), **given)

    told = {"reason": "note", "name": called, "offered": _offered(name), **more}
    return Act(label=label, question=question, form=form, verb=act, **told)


def _take_back(*, follow_up: FollowUp, **told: Any) -> None:
    """The event names its follow-up."""
    desk.take_back(**told)


ACTS: Final[dict[str, Act]] = {
    "record_try": _act(
        "record_try",
        "Record a try",
        "What came of it? You are named as who tried.",
        TryForm,
        desk.record_try,
    ),
    "hand_over": _act(
        "hand_over",
        "Take or hand over",
        "Who has it from now on?",
        HandOverForm,
        desk.hand_over,
        form_for=_hand_over_form,
    ),
    "give_back": _act(
        "give_back",
        "Give back to the team",
        "Whoever is on duty has it then.",
        NoteForm,
        desk.give_back,
    ),
    "acknowledge": _act(
        "acknowledge",
        "Acknowledge",
        "All its reminders are silent until its next window.",
        MeantForm,
        desk.acknowledge,
    ),
    "snooze": _act("snooze", "Snooze", "When is it reminded of again?", SnoozeForm, desk.snooze),
    "pause": _act("pause", "Pause", "All follow-ups of the person rest.", PauseForm, desk.pause),
    "resume": _act(
        "resume", "Resume", "All follow-ups of the person go on.", NoteForm, desk.resume
    ),
    "move": _act("move", "Move", "When is it due instead?", MoveForm, desk.move),
    "end": _act("end", "End by hand", "Nobody is reminded of it any more.", EndForm, desk.end),
    "take_back": _act(
        "take_back",
        "Take back what was told",
        "It is then as if it had never been told; it stays in the history.",
        TakeBackForm,
        _take_back,
        form_for=_take_back_form,
    ),
}
