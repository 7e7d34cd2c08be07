"""A plan as a form: what stands above its follow-ups, and each of them in fields of its own.

A row of the form is an item of the plan. Rows come and go by buttons that send the whole form, so
that it needs no script, and that save nothing. What a plan may say, `plans.read` alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from apps.audit.versions import NumberField, VersionForm
from apps.core import clock
from apps.followups import codes, plans
from apps.followups.models import FollowUpPlan
from apps.followups.services.plans import check_plan

# The buttons that save nothing: one more row, one row less (by its number), what it would make.
ADD: Final = "_add"
REMOVE: Final = "_remove"
TRY: Final = "_try"
# The field, once for each row, that holds the row's number.
ROW: Final = "row"

_RISKS: Final = {code: code.replace("_", " ") for code in plans.RISKS}
_EITHER: Final = {"": "with or without", "yes": "with one", "no": "without one"}
_KNOWN: Final = {"": "known or not", "yes": "confirmed by a responder", "no": "not known"}
_YES_NO: Final[Mapping[str, bool]] = {"yes": True, "no": False}
_LISTS: Final = ("outcomes", "risk")
_ANSWERS: Final = ("dose", "referral", "known")


class ItemForm(forms.Form):
    """One follow-up of a plan. Nothing is required of its fields here: the plan says what is
    missing, of all rows at once."""

    GROUPS: Final = {
        "What it is": ("code", "purpose"),
        "After which calls": ("outcomes", "risk", "dose", "referral", "known"),
        "When": ("after_hours", "after", "window_hours"),
        "How": ("way", "tries", "retry_hours", "missed_after_hours"),
    }

    code = forms.CharField(
        label="Short name",
        required=False,
        help_text="a-z, 0-9 and _. It stays when the rest changes: no call gets two of one name.",
    )
    purpose = forms.ChoiceField(label="What for", required=False)
    outcomes = forms.MultipleChoiceField(
        label="How the call ended", required=False, widget=forms.CheckboxSelectMultiple
    )
    risk = forms.MultipleChoiceField(
        label="Risk by the screen",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: whatever it is.",
    )
    dose = forms.ChoiceField(label="A dose of naloxone", required=False)
    referral = forms.ChoiceField(label="A referral", required=False)
    known = forms.ChoiceField(label="Who the person is", required=False)
    after_hours = NumberField(label="Due after", help_text="Hours.")
    after = forms.ChoiceField(label="Counted from", required=False)
    window_hours = NumberField(label="Open for", help_text="Hours; then it is overdue.")
    way = forms.ChoiceField(label="How they are looked for", required=False)
    tries = NumberField(label="Tries", help_text="At most.")
    retry_hours = NumberField(label="Next try after", help_text="Hours after the one before.")
    missed_after_hours = NumberField(
        label="Missed after", help_text="Hours after it closed untried: the supervisors have it."
    )

    CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
        "purpose": codes.PURPOSES,
        "outcomes": plans.ENDINGS,
        "risk": _RISKS,
        "dose": _EITHER,
        "referral": _EITHER,
        "known": _KNOWN,
        "after": plans.MOMENTS,
        "way": codes.WAYS,
    }

    def __init__(
        self, number: int, data: Any = None, *, initial: dict[str, Any] | None = None
    ) -> None:
        self.number = number
        super().__init__(data, prefix=f"item-{number}", initial=initial)
        for name, choices in self.CHOICES.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(choices.items())

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Its fields under their headings."""
        return [(title, [self[name] for name in names]) for title, names in self.GROUPS.items()]

    def item(self) -> dict[str, Any]:
        """What is typed, as an item of a plan. What is left open is not in it."""
        self.full_clean()
        given = self.cleaned_data
        when = {name: given[name] for name in _LISTS if given.get(name)}
        when |= {name: _YES_NO[given[name]] for name in _ANSWERS if given.get(name)}
        told = (name for name in self.fields if name not in {*_LISTS, *_ANSWERS})
        return {**{name: given.get(name) for name in told}, "when": when}

    @staticmethod
    def typed(item: Mapping[str, Any]) -> dict[str, Any]:
        """An item of a plan as the fields of a row hold it."""
        when = item.get("when") or {}
        answers: dict[Any, str] = {told: answer for answer, told in _YES_NO.items()}
        return {
            **{name: told for name, told in item.items() if name != "when"},
            **{name: when.get(name, []) for name in _LISTS},
            **{name: answers.get(when.get(name), "") for name in _ANSWERS},
        }


class EndForm(VersionForm):
    """Of a version that has begun: when it ends."""

    class Meta:
        model = FollowUpPlan
        fields = ("effective_to",)

    def check(self, row: FollowUpPlan) -> None:
        check_plan(plan=row, now=clock.now())


class PlanForm(EndForm):
    """A version that has not begun, with its follow-ups in `rows`."""

    class Meta:
        model = FollowUpPlan
        fields = ("version", "effective_from", "effective_to", "why")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = (self.instance.definition or {}).get("items", [{}])
        self.rows = self._sent() if self.is_bound else list(map(_row, range(len(stored)), stored))
        self.next = max((row.number for row in self.rows), default=-1) + 1
        self.may_grow = len(self.rows) < plans.MOST_ITEMS

    def _sent(self) -> list[ItemForm]:
        """The rows as they were typed, but for the one that is taken out, and with the new one."""
        assert isinstance(self.data, QueryDict)
        told = dict.fromkeys(n for n in self.data.getlist(ROW) if n.isdecimal() and len(n) < 5)
        numbers = [int(n) for n in told if n != self.data.get(REMOVE)]
        rows = [ItemForm(n, self.data) for n in numbers]
        if ADD in self.data and len(rows) < plans.MOST_ITEMS:
            rows.append(ItemForm(max(map(int, told), default=-1) + 1))
        return rows

    def full_clean(self) -> None:
        """A row that is not filled in yet is no mistake, as long as rows come and go."""
        if self.is_bound and {ADD, REMOVE} & self.data.keys():
            self._errors, self.cleaned_data = ErrorDict(), {}
        else:
            super().full_clean()

    def is_valid(self) -> bool:
        """False also for a press that is not meant to save."""
        return not {ADD, REMOVE, TRY} & self.data.keys() and super().is_valid()

    def clean(self) -> dict[str, Any]:
        """All that is wrong at once, the rows' too where the check has stopped before them."""
        self.asked = {"items": [row.item() for row in self.rows]}
        data = super().clean()
        if self.errors and not any(row.errors for row in self.rows):
            try:
                plans.read(self.asked)
            except plans.Unusable as unusable:
                for one in unusable.errors:
                    self.place(f"/definition{one.pointer}", one.detail)
        for number, row in enumerate(self.rows, 1):
            if row.errors:
                self.add_error(None, f"Something is wrong with follow-up {number}.")
        return data

    def write(self, row: FollowUpPlan, data: dict[str, Any]) -> None:
        row.definition = self.asked

    def place(self, pointer: str, detail: str) -> None:
        """What is wrong with an item stands in its row."""
        match pointer.strip("/").split("/"):
            case ["definition", "items", index, *path]:
                row = self.rows[int(index)]
                row.add_error(next((name for name in path if name in row.fields), None), detail)
            case ["definition", *_]:
                self.add_error(None, detail)
            case _:
                super().place(pointer, detail)


def _row(number: int, item: Mapping[str, Any]) -> ItemForm:
    """A row that shows an item as it is stored."""
    return ItemForm(number, initial=ItemForm.typed(item))
