"""Actions that ask something first: which unit, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.audit.admin import RoleAdmin
from apps.core.problems import ProblemError
from apps.dispatch.models import Agency, Unit


def _reason(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3}), **options)


class ReasonForm(forms.Form):
    reason = _reason(help_text="Shown to the unit, and kept.")


class UnitForm(forms.Form):
    unit = forms.ModelChoiceField(Unit.objects.none())
    reason = _reason(required=False, help_text="Shown to the unit, and kept. May be left empty.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ours = Unit.objects.filter(agency=Agency.CARE, in_service=True).order_by("call_sign")
        self.fields["unit"].queryset = ours  # type: ignore[attr-defined]


class FurtherUnitForm(UnitForm):
    reason = _reason(
        required=False,
        help_text="Required where the dispatch rules do not provide for the call; shown to all.",
    )


@dataclass(frozen=True)
class Decision:
    """An action that asks something first: its name, the question, its form, what to do with each
    selected row and the form's answers, and how a row is called: on the page, and in the message
    that follows (None: the same), which the browser keeps in a cookie."""

    action: str
    title: str
    question: str
    form: type[forms.Form]
    verb: Callable[[Any, User, dict[str, Any]], None]
    name: Callable[[Any], str]
    message_name: Callable[[Any], str] | None = None


def decide(
    page: RoleAdmin[Any], request: HttpRequest, rows: QuerySet[Any], decision: Decision
) -> HttpResponse | None:
    """Asks, then carries it out for each row; each succeeds or fails by itself.

    Rows that fail for what was answered (a reason is missing) are asked for again, with the answers
    as they were typed; what cannot be done at all is told and left.
    """
    by = request.user
    assert isinstance(by, User)
    asked = "apply" in request.POST
    form = decision.form(request.POST if asked else None)
    again = list(rows)
    called = decision.message_name or decision.name
    if asked and form.is_valid():
        given = dict(form.cleaned_data)  # an error that is added takes its field out
        again = []
        for row in rows:
            try:
                decision.verb(row, by, given)
            except ProblemError as problem:
                if _ask_again(form, problem, decision.name(row)):
                    again.append(row)
                else:
                    text = problem.text or problem.problem.title
                    page.message_user(request, f"{called(row)}: {text}", messages.ERROR)
            else:
                page.message_user(request, f"{called(row)}: done.", messages.SUCCESS)
        if not again:
            return None
    return page.step(
        request,
        "assignments/decide.html",
        decision.title,
        question=decision.question,
        rows=[(row.pk, decision.name(row)) for row in again],
        form=form,
        action=decision.action,
        back=request.get_full_path(),
    )


def _ask_again(form: forms.Form, problem: ProblemError, name: str) -> bool:
    """Puts what is wrong with an answer beside its field. False where nothing typed would help."""
    wrong = [(error.pointer.lstrip("/"), error.detail) for error in problem.errors]
    wrong = [(field, detail) for field, detail in wrong if field in form.fields]
    for field, detail in wrong:
        form.add_error(field, f"{name}: {detail}")
    return bool(wrong)
