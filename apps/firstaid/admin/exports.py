"""On the page of encounters: those that are ticked, as a file."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.audit.admin import RecordAdmin, actor_of
from apps.core import clock
from apps.firstaid.exports import services
from apps.firstaid.exports.api import nemsis_file, odmap_file
from apps.firstaid.exports.services import Tally
from apps.people.admin.encounters import EncounterAdmin
from apps.people.models import Encounter, EncounterQuerySet


@admin.action(description="Export for medical review (NEMSIS)")
def export_nemsis(
    page: RecordAdmin[Encounter], request: HttpRequest, rows: QuerySet[Encounter]
) -> HttpResponseBase | None:
    """Without what was written in words: that takes the API, which asks for it by name."""
    answer = nemsis_file(
        services.export_nemsis(
            rows=_ticked(request, rows), actor=actor_of(request), now=clock.now(), tally=Tally()
        )
    )
    if answer is None:
        page.message_user(request, "None of their calls is over.", messages.WARNING)
    return answer


@admin.action(description="Export overdoses (ODMAP)")
def export_odmap(
    page: RecordAdmin[Encounter], request: HttpRequest, rows: QuerySet[Encounter]
) -> HttpResponseBase:
    """The overdoses among them."""
    return odmap_file(
        services.export_odmap(
            rows=_ticked(request, rows), actor=actor_of(request), now=clock.now(), tally=Tally()
        )
    )


def _ticked(request: HttpRequest, rows: QuerySet[Encounter]) -> EncounterQuerySet:
    # The page's own query has what its list needs, and is asked while the file is sent.
    return Encounter.objects.visible_to(request.user).filter(pk__in=rows.values("pk"))


EncounterAdmin.actions += [export_nemsis, export_odmap]
