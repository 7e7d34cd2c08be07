"""What the pages of the directory ask. Lists of HSDS objects are typed as lines of text; whatever
else such an object says, and a line that is not touched, stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from django import forms

from apps.referrals.directory import codes
from apps.referrals.directory.schedules import openings_of, text_of
from apps.referrals.models import Location, Organization, Service, ServiceAtLocation

_AREA = forms.Textarea(attrs={"rows": 3, "cols": 80})
_ADDRESS = ("address_1", "address_2", "city", "state_province", "postal_code")


def phones_as_text(phones: list[dict[str, Any]]) -> str:
    """`206-555-0100 | Front desk`, one a line."""
    lines = []
    for one in phones:
        label = one.get("description") or ""
        lines.append(f"{one.get('number', '')} | {label}" if label else str(one.get("number", "")))
    return "\n".join(lines)


def phones_from(text: str, before: list[dict[str, Any]], owner: UUID) -> list[dict[str, Any]]:
    """The inverse. A number that was there keeps its id, and whatever else is known of it."""
    known = {str(one.get("number")): one for one in before}
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        number, _, label = (part.strip() for part in line.partition("|"))
        fresh = {"id": str(uuid5(owner, f"phone:{number}")), "number": number}
        one = {**known.get(number, fresh)}
        one.pop("description", None)
        found.append({**one, "description": label} if label else one)
    return found


def languages_from(text: str, before: list[dict[str, Any]], owner: UUID) -> list[dict[str, Any]]:
    """Names, one after the other with commas."""
    known = {str(one.get("name") or one.get("code")): one for one in before}
    names = [name for part in text.split(",") if (name := part.strip())]
    return [
        known.get(name, {"id": str(uuid5(owner, f"language:{name}")), "name": name})
        for name in dict.fromkeys(names)
    ]


class _ListsForm(forms.ModelForm[Any]):
    """Shows the lists that it has fields for as text, and puts back what was changed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        shown: Mapping[str, Any] = {
            "phone_lines": lambda: phones_as_text(row.phones),
            "hours": lambda: text_of(row.schedules),
            "language_names": lambda: ", ".join(
                str(one.get("name") or one.get("code")) for one in row.languages
            ),
        }
        for name, text in shown.items():
            if name in self.fields:
                self.initial.setdefault(name, text())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        row, changed = self.instance, set(self.changed_data)
        if "phone_lines" in changed:
            row.phones = phones_from(data.get("phone_lines", ""), row.phones, row.pk)
        if "language_names" in changed:
            row.languages = languages_from(data.get("language_names", ""), row.languages, row.pk)
        if "hours" in changed:
            text = data.get("hours", "").strip()
            id = str(uuid5(row.pk, "hours"))
            row.schedules = [{"id": id, "description": text}] if text else []
        return data


def _phones() -> forms.CharField:
    return forms.CharField(
        label="telephones",
        required=False,
        widget=_AREA,
        help_text="One a line: the number, and after | what it is for.",
    )


def _hours() -> forms.CharField:
    return forms.CharField(
        required=False,
        widget=_AREA,
        help_text="As people write them: “Mon-Fri 9am-5pm; closed holidays”. What cannot be read "
        "so is shown as it stands, and nobody is told that it is open.",
    )


def _languages() -> forms.CharField:
    return forms.CharField(label="languages", required=False, help_text="With commas between.")


class OrganizationForm(_ListsForm):
    phone_lines = _phones()

    class Meta:
        model = Organization
        fields = ("name", "alternate_name", "description", "partner", "email", "website")


class LocationForm(_ListsForm):
    phone_lines = _phones()
    hours = _hours()
    language_names = _languages()
    address_1 = forms.CharField(label="street", required=False, max_length=200)
    address_2 = forms.CharField(label="unit, floor", required=False, max_length=200)
    city = forms.CharField(required=False, max_length=100)
    state_province = forms.CharField(label="state", required=False, max_length=100)
    postal_code = forms.CharField(required=False, max_length=20)
    access = forms.CharField(
        label="accessibility", required=False, widget=_AREA, help_text="One thing a line."
    )

    class Meta:
        model = Location
        fields = (
            *("name", "alternate_name", "organization", "location_type", "description"),
            *("transportation", "latitude", "longitude"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        first = (self.instance.addresses or [{}])[0]
        for name in _ADDRESS:
            self.initial.setdefault(name, first.get(name) or "")
        told = [str(one.get("description") or "") for one in self.instance.accessibility]
        self.initial.setdefault("access", "\n".join(filter(None, told)))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        row, changed = self.instance, set(self.changed_data)
        if (data.get("latitude") is None) != (data.get("longitude") is None):
            self.add_error("longitude", "Both, or neither.")
        if changed & set(_ADDRESS):
            plain = {"id": str(uuid5(row.pk, "address")), "address_type": "physical"}
            first = {**plain, "country": "US", **(row.addresses or [{}])[0]}
            first |= {name: data.get(name, "") for name in _ADDRESS}
            row.addresses = [first, *row.addresses[1:]]
        if "access" in changed:
            known = {str(one.get("description")): one for one in row.accessibility}
            lines = filter(None, map(str.strip, data.get("access", "").splitlines()))
            row.accessibility = [
                known.get(line, {"id": str(uuid5(row.pk, f"access:{line}")), "description": line})
                for line in lines
            ]
        return data


class ServiceForm(_ListsForm):
    phone_lines = _phones()
    hours = _hours()
    language_names = _languages()
    criteria = forms.MultipleChoiceField(
        choices=list(codes.CRITERIA.items()), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Service
        fields = (
            *("name", "alternate_name", "organization", "used_for", "reach", "status"),
            *("description", "alert", "criteria", "minimum_age", "maximum_age"),
            *("eligibility_description", "application_process", "wait_time", "fees_description"),
            *("interpretation_services", "url", "email", "assured_date", "assurer_email"),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        least, most = data.get("minimum_age"), data.get("maximum_age")
        if least is not None and most is not None and least > most:
            self.add_error("maximum_age", "Not below the minimum.")
        return data


class AtLocationForm(_ListsForm):
    phone_lines = _phones()
    hours = _hours()

    class Meta:
        model = ServiceAtLocation
        fields = ("service", "location", "description")


class CapacityForm(forms.Form):
    """What a partner said on the telephone."""

    status = forms.ChoiceField(choices=list(codes.CAPACITY_STATUSES.items()))
    counted = forms.ChoiceField(choices=list(codes.CAPACITY_UNITS.items()))
    total = forms.IntegerField(required=False, min_value=0)
    free = forms.IntegerField(required=False, min_value=0)
    waiting = forms.IntegerField(label="on the waiting list", required=False, min_value=0)
    valid_until = forms.DateTimeField(
        required=False, help_text="By the city's clock. Left empty: as long as the setting says."
    )


class SettleForm(forms.Form):
    outcome = forms.ChoiceField(choices=list(codes.OUTCOMES.items()))
    assurer_email = forms.EmailField(
        label="verified by",
        required=False,
        help_text="Corrected, or right as it stands: the entry counts as verified today, by whom?",
    )


class UploadForm(forms.Form):
    file = forms.FileField(label="HSDS 3.0 JSON")


def hours_are_read(row: Location | Service | ServiceAtLocation) -> bool | None:
    """Whether the hours of an entry are understood; None where it tells none."""
    return openings_of(row.schedules) is not None if row.schedules else None
