"""The forms of a link's pages: one for each thing that a partner says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from django import forms

from apps.accounts.models import Partner
from apps.core import clock
from apps.core.clock import iso
from apps.referrals.codes import REASONS
from apps.referrals.directory.codes import CAPACITY_STATUSES
from apps.referrals.models import Service
from apps.referrals.services.answers import LONGEST_KEY
from apps.referrals.services.directory.capacity import MOST_PLACES
from apps.referrals.services.links.visits import LONGEST_NAME


def _words(label: str, **options: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 4})
    return forms.CharField(label=label, max_length=8000, widget=widget, **options)


class EnterForm(forms.Form):
    """A code, and who types it."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="Six digits, from the message that we have just sent.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )
    name = forms.CharField(
        label="Your name",
        max_length=LONGEST_NAME,
        help_text="It stands beside what you answer.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    own_device = forms.BooleanField(
        label="This telephone or computer is mine: keep the referral open for 5 hours",
        required=False,
        help_text="Otherwise it closes after 30 minutes.",
    )
    page = forms.CharField(max_length=64, widget=forms.HiddenInput)


class SayForm(forms.Form):
    """What every answer carries: `key`, so that sent twice it is one answer, and what the page knew
    of the referral (`seen`)."""

    key = forms.CharField(max_length=LONGEST_KEY, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def told(self) -> dict[str, Any]:
        """What goes with the verb, as `answers.Said.told` takes it."""
        given = {
            name: value
            for name, value in self.cleaned_data.items()
            if value and name not in {"key", "seen"}
        }
        return _as_told(given)


class AcceptForm(SayForm):
    case_number = forms.CharField(
        label="Your own case number",
        max_length=200,
        required=False,
        help_text="If you have one. We name it whenever we speak of this referral.",
    )


class ReasonForm(SayForm):
    either = True  # one of the fields is needed, whichever

    reason_code = forms.ChoiceField(
        label="Why", choices=[("", "Choose one, or write it below"), *REASONS.items()],
        required=False,
    )  # fmt: skip
    reason = _words("In your own words", required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("reason_code") or data.get("reason")):
            self.add_error("reason_code", "Say why: choose one, or write it below.")
        return data


class AskForm(SayForm):
    text = _words("Your question", help_text="The crew reads it, and replies here.")


class AppointmentForm(SayForm):
    day = forms.DateField(
        label="Day",
        help_text="Such as 2026-03-05.",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    hour = forms.TimeField(
        label="Time",
        help_text="Such as 14:30, by the clock here.",
        input_formats=["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )
    appointment_place = forms.CharField(label="Where", max_length=200, required=False)

    def clean_day(self) -> date:
        day: date = self.cleaned_data["day"]
        if not 2000 <= day.year < 3000:
            raise forms.ValidationError("No appointment is in that year.")
        return day


class ServedForm(SayForm):
    services = _words(
        "What they were given", required=False, help_text="One thing on each line, if you like."
    )

    def clean_services(self) -> list[str]:
        lines = str(self.cleaned_data["services"]).splitlines()
        return [line.strip()[:200] for line in lines if line.strip()][:20]


class CapacityForm(forms.Form):
    """Whether a service has room."""

    service = forms.ModelChoiceField(
        label="Which of your services", queryset=Service.objects.none()
    )
    status = forms.ChoiceField(label="Is there room", choices=list(CAPACITY_STATUSES.items()))
    free = forms.IntegerField(
        label="How many places are free",
        required=False,
        min_value=0,
        max_value=MOST_PLACES,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    key = forms.CharField(max_length=LONGEST_KEY, widget=forms.HiddenInput)

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = Service.objects.of_partner(partner).order_by("name", "pk")
        self.fields["service"].queryset = services  # type: ignore[attr-defined]


# What a partner says by a link, in the order in which it is offered, and how it is asked for.
FORMS: Final[Mapping[str, type[SayForm]]] = {
    "accept": AcceptForm,
    "decline": ReasonForm,
    "ask": AskForm,
    "appointment": AppointmentForm,
    "attended": SayForm,
    "not_attended": SayForm,
    "served": ServedForm,
    "not_served": ReasonForm,
}
BUTTONS: Final[Mapping[str, str]] = {
    "accept": "Accept",
    "decline": "Decline",
    "ask": "Ask us something",
    "appointment": "Set an appointment",
    "attended": "The person came",
    "not_attended": "The person did not come",
    "served": "Served",
    "not_served": "Not served",
}


def _as_told(given: dict[str, Any]) -> dict[str, Any]:
    day, hour = given.pop("day", None), given.pop("hour", None)
    if isinstance(day, date) and isinstance(hour, time):
        given["appointment_at"] = iso(datetime.combine(day, hour, clock.city()))
    return given
