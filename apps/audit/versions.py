"""Pages of rules as data, a row for each version: nobody edits one that is in force, or was. See
`apps.core.versions` for what may be changed of one, and by when."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from apps.audit.admin import RoleAdmin
from apps.core import clock
from apps.core.problems import ProblemError

M = TypeVar("M", bound=Model)


class NumberField(forms.CharField):
    """A number, whole where it is; what is none stays as it was typed, for the verb to refuse."""

    def __init__(self, **options: Any) -> None:
        mode = {"inputmode": "decimal", "size": "8", "autocomplete": "off"}
        super().__init__(required=False, max_length=20, widget=forms.TextInput(mode), **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            number = float(text)
        except ValueError:
            return text or None
        return int(number) if number.is_integer() else number


class VersionForm(forms.ModelForm[Any]):
    """A version as it is typed. `check` is the verb that says what is wrong with it; what it names
    stands beside its field."""

    # Names of fields, by the pointers that the verb knows them by.
    FIELDS: ClassVar[dict[str, str]] = {}

    def check(self, row: Any) -> None:
        raise NotImplementedError("A page of versions says here which service checks one.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        row = type(self.instance)(pk=self.instance.pk)
        for one in row._meta.concrete_fields:
            if not one.primary_key:
                value = data.get(one.name, getattr(self.instance, one.attname))
                setattr(row, one.name if one.name in data else one.attname, value)
        self.write(row, data)
        try:
            self.check(row)
        except ProblemError as problem:
            for error in problem.errors:
                self.place(error.pointer, error.detail)
            if not problem.errors:
                self.add_error(None, problem.text)
        else:
            self.write(self.instance, data)
        return data

    def write(self, row: Any, data: dict[str, Any]) -> None:
        """Puts into the row what no field of the model takes by itself."""

    def place(self, pointer: str, detail: str) -> None:
        """Puts what is wrong beside the field that mends it."""
        self.add_error(*self._placed(pointer, detail))

    def _placed(self, pointer: str, detail: str) -> tuple[str | None, str]:
        """The field that a pointer leads to, and what is said beside it: the longest that is known,
        with the rest of the way in words."""
        parts = pointer.strip("/").split("/")
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            name = self.FIELDS.get(name, name)
            if name in self.fields:
                rest = "/".join(parts[length:])
                return name, f"{rest}: {detail}" if rest and not rest.isdigit() else detail
        return None, f"{pointer}: {detail}"


class VersionAdmin(RoleAdmin[M]):
    """The versions; a change of one that has begun is made in a new one."""

    # What a new version asks for, until whose day it is a draft.
    DRAFT: ClassVar[str] = ""
    ordering = ("-effective_from",)
    actions: Any = ("new_version",)

    def copy(self, request: HttpRequest, row: M) -> M:
        raise NotImplementedError("A page of versions says here which service makes a new one.")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> M | None:
        """The row, which remembers whether it has begun: a day that is typed goes into it, and
        would close its own field where another one is wrong."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.begun = row.effective_from <= clock.now()  # type: ignore[attr-defined]
        return row

    @staticmethod
    def has_begun(row: Any) -> bool:
        """Whether it is in force, or was: its text stays."""
        return row is not None and row.begun

    @admin.action(description="New version from this", permissions=["change"])
    def new_version(self, request: HttpRequest, rows: QuerySet[M]) -> HttpResponse | None:
        if len(rows) != 1:
            self.message_user(request, "Select one version.", messages.ERROR)
            return None
        copy = self.copy(request, rows[0])
        self.message_user(request, self.DRAFT)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[copy.pk]))
