"""On the pages of encounters and doses: what is ticked, as a file.

Without what was written in words: that takes the API, which asks for it by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.audit.admin import RecordAdmin, actor_of
from apps.core import clock
from apps.firstaid.admin.acts import DoseAdmin
from apps.firstaid.exports import services
from apps.firstaid.exports.api import nemsis_file, odmap_file
from apps.firstaid.exports.services import Tally
from apps.firstaid.models import NaloxoneDose
from apps.people.admin.encounters import EncounterAdmin
from apps.people.ids import encounter_id
from apps.people.models import Encounter, EncounterQuerySet


@admin.action(description="Export for medical review (NEMSIS)")
def export_nemsis(
    page: RecordAdmin[Encounter], request: HttpRequest, rows: QuerySet[Encounter]
) -> HttpResponseBase | None:
    """The ticked encounters."""
    return _nemsis(page, request, rows.values("pk"))


@admin.action(description="Export their encounters for medical review (NEMSIS)")
def export_encounters(
    page: RecordAdmin[NaloxoneDose], request: HttpRequest, rows: QuerySet[NaloxoneDose]
) -> HttpResponseBase | None:
    """The encounters of the ticked doses; a dose that names none is the first one's of its call."""
    named = {row.encounter_id for row in rows if row.encounter_id}
    named |= {
        encounter_id(row.assignment_id)
        for row in rows
        if row.assignment_id and not row.encounter_id
    }
    return _nemsis(page, request, named)


@admin.action(description="Export overdoses (ODMAP)")
def export_odmap(
    page: RecordAdmin[Encounter], request: HttpRequest, rows: QuerySet[Encounter]
) -> HttpResponseBase:
    """The overdoses among the ticked encounters."""
    return odmap_file(
        services.export_odmap(
            rows=_visible(request, rows.values("pk")),
            actor=actor_of(request),
            now=clock.now(),
            tally=Tally(),
        )
    )


def _nemsis(
    page: RecordAdmin[Any], request: HttpRequest, ids: Iterable[Any]
) -> HttpResponseBase | None:
    answer = nemsis_file(
        services.export_nemsis(
            rows=_visible(request, ids), actor=actor_of(request), now=clock.now(), tally=Tally()
        )
    )
    if answer is None:
        page.message_user(request, "None of their calls is over.", messages.WARNING)
    return answer


def _visible(request: HttpRequest, ids: Iterable[Any]) -> EncounterQuerySet:
    # The page's own query has what its list needs, and would be asked again for each page sent.
    return Encounter.objects.visible_to(request.user).filter(pk__in=ids)


EncounterAdmin.actions += [export_nemsis, export_odmap]
DoseAdmin.actions += [export_encounters]
