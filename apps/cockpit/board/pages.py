"""Edges of the board: the home, what its script asks for, the dispatch desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from apps.accounts.models import DESK_ROLES, User
from apps.assignments import codes
from apps.assignments.documents import AT_WHOM
from apps.assignments.models import AlertKind
from apps.audit.admin import in_city_time
from apps.cockpit.board import area, picture, tiles
from apps.core import clock
from apps.core.admin import duration
from apps.core.clock import iso
from apps.dispatch.models import Incident
from apps.sync import registry

Page = Callable[..., HttpResponse]
# In an address for the script: where the id of a row goes.
_ID: Final = "00000000-0000-0000-0000-000000000000"
_MOST_WAITING: Final = 50


def _is_desk(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and user.is_active and user.role in DESK_ROLES


def for_desks(view: Page) -> Page:
    """A page of the admin for supervisors and dispatchers, in the city's time. 403 for others who
    are signed in; whoever is not is sent to sign in."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_desk(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    guarded: Page = admin.site.admin_view(in_city_time(require_safe(page)))
    return guarded


def person_of(request: HttpRequest) -> User:
    """Whoever is signed in; `for_desks` has made sure that it is somebody."""
    assert isinstance(request.user, User)
    return request.user


@in_city_time
def home(request: HttpRequest) -> HttpResponse:
    """The board for supervisors and dispatchers; for other roles the lists that they may open."""
    answer = admin.site.index(request)
    if _is_desk(request) and isinstance(answer, TemplateResponse):
        answer.template_name = "cockpit/board/home.html"
        known = answer.context_data or {}
        answer.context_data = {**known, "settings_of_board": _settings(request)}
    return answer


@for_desks
def picture_now(request: HttpRequest) -> HttpResponse:
    """What is open now, as JSON: see `picture.Picture.as_json`. The script begins with it."""
    taken = picture.take(by=person_of(request), now=clock.now())
    return HttpResponse(taken.as_json(), content_type="application/json")


@for_desks
def area_now(request: HttpRequest) -> HttpResponse:
    """The outlines of the map, as JSON: `{outlines: [{kind, name, rings}], sources: [...]}`."""
    return JsonResponse({"outlines": area.outlines(now=clock.now()), "sources": area.sources()})


@for_desks
def aside(request: HttpRequest) -> HttpResponse:
    """What is counted in the database, as a piece of a page: calls that nobody is on, and tiles."""
    now = clock.now()
    context = {"tiles": tiles.tiles(request), "waiting": _waiting(person_of(request), now)}
    return TemplateResponse(request, "cockpit/board/aside.html", context)


@for_desks
def desk(request: HttpRequest) -> HttpResponse:
    """The dispatch desk: units and what is told for them, and calls that nobody was sent to."""
    told = {
        **_settings(request),
        "facts": reverse("assignment-facts", args=[_ID]),
        "reassign": reverse("reassign", args=[_ID]),
        "cancel": reverse("cancel-assignment", args=[_ID]),
        "assign": reverse("assign", args=[_ID]),
        "waiting": reverse("cockpit_waiting"),
        "dispositions": dict(codes.DISPOSITIONS),
    }
    known = {**admin.site.each_context(request), "title": "Dispatch desk"}
    context = {**known, "settings_of_board": told}
    return TemplateResponse(request, "cockpit/board/desk.html", context)


@for_desks
def waiting_now(request: HttpRequest) -> HttpResponse:
    """The calls that nobody was sent to, as JSON: `{calls: [...]}`, see `_waiting`."""
    return JsonResponse({"calls": _waiting(person_of(request), clock.now())})


def _waiting(by: User, now: datetime) -> list[dict[str, Any]]:
    """Calls that CARE could take and nobody was sent to, the most urgent first, `_MOST_WAITING` at
    most: `{id, call, type, priority, beat, occurred_at, since, address}`, `address` is its page's.
    Nothing that tells whom a call is about: it is asked for all day, and only who opens the call
    has read it."""
    rows = Incident.objects.visible_to(by).open().eligible_not_sent().defer("details")
    urgent = rows.order_by(F("priority").desc(nulls_last=True), "occurred_at")
    return [
        {
            "id": str(row.pk),
            "call": row.cad_number or "no CAD number",
            "type": row.final_call_type or row.initial_call_type,
            "priority": row.priority_text,
            "beat": row.beat,
            "occurred_at": iso(row.occurred_at),
            "since": duration(max(0, int((now - row.occurred_at).total_seconds()))),
            "address": reverse("admin:dispatch_incident_change", args=[row.pk]),
        }
        for row in urgent[:_MOST_WAITING]
    ]


def _settings(request: HttpRequest) -> dict[str, Any]:
    """What the script must know: addresses, words for codes, the city's clock. Nothing of a call.

    An address with an id holds `_ID` in its place. `story` is null where there is no such page.
    """
    return {
        "socket": "/ws/v1/desk",
        "schema": registry.current_version(),
        "collections": list(picture.COLLECTIONS),
        "picture": reverse("cockpit_picture"),
        "area": reverse("cockpit_area"),
        "time_zone": str(clock.city()),
        "id": _ID,
        "assignment": reverse("admin:assignments_assignment_change", args=[_ID]),
        "unit": reverse("admin:dispatch_unit_change", args=[_ID]),
        "alert": reverse("admin:assignments_alert_change", args=[_ID]),
        "support": reverse("admin:assignments_supportoffer_changelist"),
        "story": _story(),
        "acknowledge": reverse("answer-alert", args=[_ID]),
        "words": {
            "states": dict(codes.STATES),
            "alerts": dict(AlertKind.choices),
            "levels": [whom.replace("_", " ") for whom in AT_WHOM],
        },
    }


def _story() -> str | None:
    try:
        return reverse("cockpit_assignment_story", args=[_ID])
    except NoReverseMatch:
        return None
