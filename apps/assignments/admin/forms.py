"""What acts on assignments ask: which unit, and why."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef

from apps.assignments.models import Assignment
from apps.audit.acts import WhyForm, reason_field
from apps.dispatch.models import Agency, CrewMember, Unit

_SAID = {
    "The unit said so by radio.": "by radio",
    "The unit said so by telephone.": "by telephone",
    "The unit said so in person.": "in person",
    "CAD shows it.": "CAD shows it",
}


class CallOffForm(WhyForm):
    reason = reason_field(help_text="Shown to the unit, and kept.")


class WhyToldForm(forms.Form):
    """A choice: an alarm is ringing, and whoever stops it has a radio in the other hand."""

    reason = forms.ChoiceField(choices=list(_SAID.items()), label="How it said so")


class UnitChoice(forms.ModelChoiceField[Unit]):
    """Each with whether it is free, in the words of the board."""

    def label_from_instance(self, unit: Any) -> str:
        if not unit.has_crew:
            return f"{unit.call_sign}: no crew"
        return f"{unit.call_sign}: on a call" if unit.is_busy else f"{unit.call_sign}: available"


class UnitForm(forms.Form):
    unit = UnitChoice(Unit.objects.none())
    reason = reason_field(help_text="Shown to the unit, and kept.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = Unit.objects.filter(agency=Agency.CARE, in_service=True).order_by("call_sign")
        its = {"unit": OuterRef("pk")}
        ours = ours.annotate(
            has_crew=Exists(CrewMember.objects.on_duty().filter(**its)),
            is_busy=Exists(Assignment.objects.open().filter(**its)),
        )
        self.fields["unit"].queryset = ours  # type: ignore[attr-defined]


class FurtherUnitForm(UnitForm):
    """Whoever sends a unit where the rules send one need not say why: the rules do."""

    reason = reason_field(
        required=False,
        help_text="Required where the dispatch rules do not provide for the call; shown to all.",
    )
