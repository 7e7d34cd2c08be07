"""A dispatch rule as a form of fields, and in words."""

from __future__ import annotations

from datetime import time
from itertools import groupby
from typing import Any, ClassVar, Final

from django import forms

from apps.audit.versions import VersionForm
from apps.core import clock
from apps.dispatch import reference, services
from apps.dispatch.calls import EXCLUSIONS
from apps.dispatch.models import CallType, DispatchRule
from apps.dispatch.rules import Mode, Rule

_DAYS: Final = {
    1: "Monday",
    2: "Tuesday",
    3: "Wednesday",
    4: "Thursday",
    5: "Friday",
    6: "Saturday",
    7: "Sunday",
}
_MODES: Final[dict[Mode, str]] = {
    "dual": "together with another agency's unit",
    "solo": "alone",
    "request": "when another agency asks for it",
}


def _beats() -> list[tuple[str, list[tuple[str, str]]]]:
    """The beats by precinct, each with its sector."""
    known = sorted(reference.beats().values(), key=lambda one: (one.precinct, one.code))
    return [
        (precinct, [(one.code, f"{one.code} {one.sector_name}") for one in beats])
        for precinct, beats in groupby(known, key=lambda one: one.precinct)
    ]


def _types(also: list[str]) -> list[tuple[str, str]]:
    """The standard types that a call of this agency can have, and what the rule names already."""
    ours = set(CallType.objects.exclude(common_type="").values_list("common_type", flat=True))
    ours |= {one.common_type for one in reference.call_types().values() if one.common_type}
    known = reference.common_types()
    named = sorted(code for code in ours | set(also) if code in known)
    return [(code, f"{known[code].description} ({code})") for code in named]


class _Ticked(forms.MultipleChoiceField):
    """Ticked from a list."""

    widget = forms.CheckboxSelectMultiple


class RuleForm(VersionForm):
    """What a version says, a field for each of its terms. Dates and hours are the city's."""

    FIELDS: ClassVar[dict[str, str]] = {
        f"definition/{name}": field
        for name, field in {
            **{one: one for one in ("title", "mode", "partner", "beats", "outline", "weekdays")},
            **{one: one for one in ("outline_tolerance_m", "tz", "common_types", "exclusions")},
            "note": "note",
            "hours/from": "hours_from",
            "hours/to": "hours_to",
        }.items()
    }

    title = forms.CharField(max_length=200, required=False, help_text="In a few words.")
    mode = forms.ChoiceField(label="CARE goes", choices=list(_MODES.items()))
    partner = forms.CharField(
        max_length=40, label="Other agency", help_text="Which goes too, or asks: SPD, SFD."
    )
    hours_from = forms.TimeField(
        label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    hours_to = forms.TimeField(
        label="To",
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="Before this time; over midnight where it is the smaller; equal: all day.",
    )
    weekdays = _Ticked(label="Days", choices=[(str(day), name) for day, name in _DAYS.items()])
    beats = _Ticked(label="Beats", choices=_beats, required=False)
    outline = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Outline of the area",
        help_text="For calls without a beat: longitude and latitude of a corner, a line each.",
    )
    outline_tolerance_m = forms.FloatField(
        min_value=0, required=False, label="Outline good to", help_text="Metres."
    )
    common_types = _Ticked(label="Call types", choices=[])
    exclusions = _Ticked(
        label="Not where there is",
        choices=[(name, name.replace("_", " ")) for name in EXCLUSIONS],
        required=False,
        help_text="A call with one of them is not eligible; where it is not known, not determined.",
    )
    tz = forms.CharField(label="Time zone", max_length=60)
    note = forms.CharField(
        required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )

    class Meta:
        model = DispatchRule
        fields = ("version", "effective_from", "effective_to", "citation")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        row = kwargs.get("instance")
        stands = _typed(row.definition) if row is not None and row.definition else _empty()
        kwargs["initial"] = {**stands, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        types = self.fields["common_types"]
        assert isinstance(types, forms.MultipleChoiceField)
        types.choices = _types(list(stands["common_types"]))

    def clean_outline(self) -> list[list[float]]:
        """The corners. What is no pair of numbers is named by its line."""
        points = []
        for number, line in enumerate(self.cleaned_data["outline"].splitlines(), 1):
            if not line.strip():
                continue
            try:
                lon, lat = (float(one) for one in line.replace(",", " ").split())
            except ValueError:
                raise forms.ValidationError(f"Line {number}: two numbers, please.") from None
            points.append([lon, lat])
        return points

    def check(self, row: DispatchRule) -> None:
        services.check_rule(rule=row, now=clock.now())

    def write(self, row: DispatchRule, data: dict[str, Any]) -> None:
        row.definition = {
            "title": data["title"],
            "mode": data["mode"],
            "partner": data["partner"],
            "beats": sorted(data["beats"]),
            "outline": data["outline"],
            "outline_tolerance_m": data["outline_tolerance_m"] or 0,
            "hours": {
                "from": f"{data['hours_from']:%H:%M}",
                "to": f"{data['hours_to']:%H:%M}",
            },
            "weekdays": sorted(int(day) for day in data["weekdays"]),
            "tz": data["tz"],
            "common_types": sorted(data["common_types"]),
            "exclusions": [name for name in EXCLUSIONS if name in data["exclusions"]],
            "note": data["note"],
        }


class EndForm(VersionForm):
    """Of a version that has begun: when it ends."""

    class Meta:
        model = DispatchRule
        fields = ("effective_to",)

    def check(self, row: DispatchRule) -> None:
        services.check_rule(rule=row, now=clock.now())


def _empty() -> dict[str, Any]:
    """A rule before anything is typed: every day, at every hour."""
    return {
        "weekdays": [str(day) for day in _DAYS],
        "hours_from": time(0),
        "hours_to": time(0),
        "partner": "SPD",
        "tz": clock.city().key,
        "common_types": [],
    }


def _typed(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition as the fields hold it."""
    hours = definition.get("hours") or {}
    return {
        **_empty(),
        **{name: definition[name] for name in ("title", "mode", "note") if name in definition},
        **{name: definition[name] for name in ("partner", "tz") if definition.get(name)},
        **{name: definition.get(name) or [] for name in ("beats", "common_types", "exclusions")},
        "weekdays": [str(day) for day in definition.get("weekdays") or ()],
        "hours_from": _hour(hours.get("from")),
        "hours_to": _hour(hours.get("to")),
        "outline": "\n".join(f"{lon}, {lat}" for lon, lat in definition.get("outline") or ()),
        "outline_tolerance_m": definition.get("outline_tolerance_m"),
    }


def _hour(text: Any) -> str:
    return "00:00" if text in (None, "24:00") else str(text)


def in_words(rule: Rule) -> list[tuple[str, str]]:
    """A rule's terms as a person reads them."""
    known = reference.common_types()
    all_day = rule.hours_from == rule.hours_to
    until = "24:00" if rule.hours_to == time(0) else f"{rule.hours_to:%H:%M}"
    days = [name for day, name in _DAYS.items() if day in rule.weekdays]
    told = {
        "title": rule.title,
        "CARE goes": _MODES[rule.mode],
        "other agency": rule.partner,
        "hours": "all day" if all_day else f"{rule.hours_from:%H:%M} to {until}",
        "days": "every day" if len(days) == len(_DAYS) else ", ".join(days),
        "beats": " ".join(sorted(rule.beats)),
        "outline": f"{len(rule.outline)} corners, good to {rule.outline_tolerance_m:g} m"
        if rule.outline
        else "",
        "call types": "; ".join(
            f"{known[code].description} ({code})" for code in sorted(rule.common_types)
        ),
        "not where there is": ", ".join(
            name.replace("_", " ") for name in EXCLUSIONS if name in rule.exclusions
        ),
        "time zone": rule.tz,
        "note": rule.note,
    }
    return [(name, text) for name, text in told.items() if text]
