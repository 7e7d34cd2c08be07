"""On the page of what was not taken: an edit that came after its note was signed becomes an
addendum."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.casenotes import services
from apps.core import clock
from apps.core.problems import ProblemError
from apps.sync.admin.quarantine import QuarantinedWriteAdmin
from apps.sync.models import QuarantinedWrite


@admin.action(description="Make it an addendum (an edit of a signed note)")
def make_addendum(
    page: QuarantinedWriteAdmin, request: HttpRequest, rows: QuerySet[QuarantinedWrite]
) -> None:
    """Each on its own: what one cannot be is told, and stops no other."""
    by = request.user
    assert isinstance(by, User)
    for row in rows:
        try:
            services.add_refused(write=row, by=by, now=clock.now())
        except ProblemError as problem:
            text = "; ".join(error.detail for error in problem.errors) or problem.text
            page.message_user(request, f"{row}: {text or problem.problem.title}", messages.ERROR)
        else:
            page.message_user(request, f"{row}: added to its note.", messages.SUCCESS)


QuarantinedWriteAdmin.actions.append(make_addendum)
