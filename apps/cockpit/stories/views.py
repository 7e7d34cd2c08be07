"""The pages of stories. Each is opened by whoever may open the record's own page, tells what they
may see, and writes down every record that it showed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.accounts.models import User
from apps.assignments.admin import tables
from apps.assignments.models import Assignment
from apps.assignments.records import look_at
from apps.audit.admin import RoleAdmin, actor_of, subject_of
from apps.audit.services import Act, record_all
from apps.changes.reading import snapshot
from apps.cockpit.stories import nextsteps, reading, showing
from apps.cockpit.stories.moments import Moment, Page, Record, first_of_each, page_of
from apps.cockpit.stories.rows import Rows
from apps.cockpit.stories.telling import tell
from apps.core import clock
from apps.core.ids import short
from apps.people.models import Encounter, Person
from apps.sync.values import uuid_of

# Moments on a page, and on one that shows the whole story to be printed.
SIZE: Final = 200
WHOLE: Final = 2000
# Of one call on a person's page; the rest stands on the page of the call's own story.
OF_ONE_CALL: Final = 100


def assignment(request: HttpRequest, id: UUID) -> HttpResponse:
    """The story of a call that was given to a unit."""
    page, by, now = _page_of(request, Assignment), _reader(request), clock.now()
    with snapshot():
        found = reading.assignment(id, by)
        if found is None:
            raise Http404
        row, rows = found
        ledger = tables.handoff(look_at(row))
    head = [
        ("call", page.call_link(row)),
        ("address", page.address(row)),
        ("unit", str(row.unit)),
        ("state", page.progress(row)),
        ("given", page.given(row)),
    ]
    return _answer(
        request, row, rows, now, _paged(request, tell(rows)), head=head, ledger=ledger,
        encounters=rows.encounters,
    )  # fmt: skip


def encounter(request: HttpRequest, id: UUID) -> HttpResponse:
    """The story of a meeting with one person, with its call."""
    _page_of(request, Encounter)
    by, now = _reader(request), clock.now()
    with snapshot():
        found = reading.encounter(id, by)
        if found is None:
            raise Http404
        row, rows = found
        met = reading.person_of(row, by)
    head = [("match", row.get_match_display())]
    head += [("person", _called(met))] if met else []
    return _answer(
        request, row, rows, now, _paged(request, tell(rows)), head=head, met=met,
        calls=rows.assignments,
    )  # fmt: skip


def person(request: HttpRequest, id: UUID) -> HttpResponse:
    """The story of a person: their last encounters, each with its call."""
    _page_of(request, Person)
    by, now = _reader(request), clock.now()
    before = uuid_of(request.GET.get("before"))
    with snapshot():
        found = reading.person(id, by, before=before)
    if found is None:
        raise Http404
    told, left_out = first_of_each(
        (one for one in tell(found.rows) if _is_of_page(one, found)), OF_ONE_CALL
    )
    head = [("called", _called(found.person))]
    if found.person.merged_into_id:
        head.append(("merged into", short(found.person.merged_into_id)))
    shown = Page(moments=tuple(told), total=len(told), first=1)
    return _answer(
        request, found.person, found.rows, now, shown, head=head,
        earlier=found.earlier, later=before is not None,
        calls=found.rows.assignments, encounters=found.rows.encounters,
        left_out=[(row, left_out[row.pk]) for row in found.rows.assignments if row.pk in left_out],
    )  # fmt: skip


def _answer(
    request: HttpRequest, row: Model, rows: Rows, now: datetime, page: Page, **context: Any
) -> HttpResponse:
    """The page, and the entries in the audit log of what it shows."""
    steps = nextsteps.steps(rows, now=now)
    shown = [Record.of(row), *(one.record for one in page.moments), *(one.record for one in steps)]
    if met := context.get("met"):
        shown.append(Record.of(met))
    _write_down(request, [*shown, *map(Record.of, context.get("encounters", ()))], now)
    opts = row._meta
    by = _reader(request).display_name
    name = f"{opts.verbose_name} {row.pk}"
    return TemplateResponse(
        request,
        "cockpit/stories/story.html",
        {
            **admin.site.each_context(request),
            "title": f"Story of {opts.verbose_name} {short(row.pk)}",
            "name": name,
            "by": by,
            "now": now,
            "sheet": showing.sheet(name, by, now),
            "list_name": opts.verbose_name_plural,
            "list": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
            "record": showing.address_of(Record.of(row)),
            "steps": showing.next_steps(steps),
            "page": page,
            "days": list(showing.days(page.moments)),
            **context,
        },
    )


def _write_down(request: HttpRequest, shown: Iterable[Record], now: datetime) -> None:
    read: dict[str, set[UUID]] = {}
    for one in shown:
        read.setdefault(subject_of(one.model), set()).add(one.id)
    actor = actor_of(request)
    record_all([Act(actor, "read", name, sorted(ids)) for name, ids in read.items()], now=now)


def _page_of(request: HttpRequest, model: type[Model]) -> Any:
    """The admin's page of a model, where its reader has the role for it."""
    page = admin.site.get_model_admin(model)
    assert isinstance(page, RoleAdmin)
    if not page.has_view_permission(request):
        raise PermissionDenied
    return page


def _reader(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "the admin lets nobody else in"
    return request.user


def _paged(request: HttpRequest, moments: list[Moment]) -> Page:
    asked = request.GET
    size = WHOLE if "whole" in asked else SIZE
    return page_of(moments, size=size, before=asked.get("before", ""), after=asked.get("after", ""))


def _is_of_page(one: Moment, story: reading.PersonStory) -> bool:
    """What is of no call stands on the page on which it happened."""
    if one.of is not None:
        return True
    since, until = story.since, story.until
    return (since is None or one.at >= since) and (until is None or one.at < until)


def _called(row: Person) -> str:
    page: Any = admin.site.get_model_admin(Person)
    return str(page.called(row))
