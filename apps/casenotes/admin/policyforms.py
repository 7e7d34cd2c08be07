"""A policy as a form: what stands above its parts, and each rule, interval and act in fields of its
own.

Rules come and go: an empty row is none, one that is ticked to be removed is no more. Of intervals
and acts there are only so many; one that is left empty is not in the policy. What a policy may say,
`policies.read` alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django import forms
from django.forms.formsets import DELETION_FIELD_NAME

from apps.audit.versions import NumberField, VersionForm
from apps.casenotes import codes, policies
from apps.casenotes.models import NotePolicy
from apps.casenotes.services.policies import check_policy
from apps.core import clock

_NONE: Final = ("", "---------")
# Empty rows for rules that are to come.
_FREE: Final = 2


def _area(label: str, help_text: str = "") -> forms.CharField:
    rows = forms.Textarea({"rows": 3})
    return forms.CharField(label=label, help_text=help_text, required=False, widget=rows)


def _ticked(label: str, choices: Mapping[str, str], help_text: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=list(choices.items()),
        help_text=help_text,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


def _one_of(label: str, choices: Mapping[str, str]) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[_NONE, *choices.items()], required=False)


class PartForm(forms.Form):
    """One rule, interval or act. Nothing is required of its fields here: the policy says what is
    missing, of all of them at once."""

    # What the policy calls it by, where that is no field.
    NAMED: ClassVar[str] = ""
    name = ""

    @property
    def title(self) -> str:
        """What it is about, in words."""
        return self.name

    def told(self) -> dict[str, Any] | None:
        """What is typed, as a part of a policy; None for one that is left empty, or removed."""
        self.full_clean()
        given = {name: self.cleaned_data.get(name) for name in self.fields}
        if given.pop(DELETION_FIELD_NAME, False):
            return None
        found = {
            name: one for name, one in given.items() if one is not None and one not in ("", [])
        }
        if not found and not self.errors:
            return None
        return {self.NAMED: self.name, **found} if self.NAMED else found


class RuleForm(PartForm):
    """One rule of reviews."""

    code = forms.CharField(
        label="Short name",
        required=False,
        help_text="a-z, 0-9 and _. It stays when the rest changes.",
    )
    label = forms.CharField(label="Reason, in words", required=False)
    kind = _one_of("Asks for", policies.KINDS)
    sign = _one_of("Where the record shows that", policies.SIGNS)
    risks = _ticked("Risks", codes.RISKS, "Where it is about the screen's risk.")
    days = NumberField(label="Days", help_text="Where it is about new responders.")
    percent = NumberField(label="Percent", help_text="Where it is the random sample.")

    @property
    def title(self) -> str:
        return str(self["code"].value() or "a further one")


class IntervalForm(PartForm):
    """One interval or age of the law."""

    NAMED = "code"

    label = forms.CharField(label="In words", required=False, help_text="Tablets show it.")
    hours = NumberField(label="Hours", help_text="0: at once.")
    age = NumberField(label="Age", help_text="Years.")
    citation = forms.CharField(label="Citation", required=False)
    read = _area("What of the law was read", "For counsel; not shown on tablets.")

    def __init__(self, name: str, data: Any, initial: Mapping[str, Any]) -> None:
        self.name = name
        super().__init__(data, prefix=f"interval-{name}", initial=dict(initial))
        del self.fields["age" if policies.INTERVALS[name] == "hours" else "hours"]

    @property
    def title(self) -> str:
        return policies.INTERVAL_NAMES[self.name]


class ActForm(PartForm):
    """What the local protocol asks for at one risk."""

    NAMED = "risk"

    words = _area("In words", "Tablets show it.")
    citation = _area("Citation")
    done_by = _ticked(
        "Done by",
        codes.INTERVENTIONS,
        "One of these, or why not, is told before a note is signed. None ticked: it is shown.",
    )

    def __init__(self, name: str, data: Any, initial: Mapping[str, Any]) -> None:
        self.name = name
        super().__init__(data, prefix=f"act-{name}", initial=dict(initial))

    @property
    def title(self) -> str:
        return codes.RISKS[self.name]


class _Rules(forms.BaseFormSet[RuleForm]):
    """The rows of the rules."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields[DELETION_FIELD_NAME].label = "Remove this rule"


RuleForms = forms.formset_factory(
    RuleForm,
    formset=_Rules,
    extra=_FREE,
    can_delete=True,
    max_num=policies.MOST_RULES,
    absolute_max=200,
)


class EndForm(VersionForm):
    """Of a version that has begun: when it ends."""

    class Meta:
        model = NotePolicy
        fields = ("effective_to",)

    def check(self, row: NotePolicy) -> None:
        check_policy(policy=row, now=clock.now())


class PolicyForm(EndForm):
    """A version that has not begun, with its three parts."""

    class Meta:
        model = NotePolicy
        fields = ("version", "effective_from", "effective_to", "citation")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        data, stored = (self.data if self.is_bound else None), self.instance.definition or {}
        rules = stored.get("rules", [])
        self.rules = RuleForms(data, prefix="rule", initial=rules)
        intervals = {one["code"]: one for one in stored.get("intervals", [])}
        self.intervals = [
            IntervalForm(code, data, intervals.get(code, {})) for code in policies.INTERVALS
        ]
        acts = {one["risk"]: one for one in stored.get("acts", [])}
        self.acts = [ActForm(risk, data, acts.get(risk, {})) for risk in policies.ACT_RISKS]

    @property
    def parts(self) -> dict[str, list[PartForm]]:
        """The forms of each part, in their order."""
        return {"rules": [*self.rules.forms], "intervals": [*self.intervals], "acts": [*self.acts]}

    def clean(self) -> dict[str, Any]:
        """All that is wrong at once, that of the parts too where the check has stopped before
        them."""
        self.asked: dict[str, list[Any]] = {}
        self.placed: dict[str, list[PartForm]] = {}
        for name, rows in self.parts.items():
            told = [(one, it) for one in rows if (it := one.told()) is not None]
            self.placed[name] = [one for one, _ in told]
            self.asked[name] = [it for _, it in told]
        if not self.rules.management_form.is_valid():
            self.add_error(None, "The rules were not sent. Open the page again.")
        data = super().clean()
        parts = [one for rows in self.placed.values() for one in rows]
        if self.errors and not any(one.errors for one in parts):
            try:
                policies.read(self.asked)
            except policies.Unusable as unusable:
                for one in unusable.errors:
                    self.place(f"/definition{one.pointer}", one.detail)
        for part in parts:
            if part.errors:
                self.add_error(None, f"Something is wrong with: {part.title}.")
        return data

    def write(self, row: NotePolicy, data: dict[str, Any]) -> None:
        row.definition = self.asked

    def place(self, pointer: str, detail: str) -> None:
        """What is wrong with a part stands beside its field."""
        match pointer.strip("/").split("/"):
            case ["definition", name, index, *path] if index.isdecimal():
                part = self.placed[name][int(index)]
                part.add_error(next((one for one in path if one in part.fields), None), detail)
            case ["definition", *_]:
                self.add_error(None, detail)
            case _:
                super().place(pointer, detail)
