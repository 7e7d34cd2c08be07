"""Texts that came when nobody was signed in: taken when their author signs in again.

They were typed by somebody whose sign-in had ended meanwhile, on a tablet that was not lost, and
nothing else is known to be wrong with them.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db.utils import InterfaceError, OperationalError

from apps.accounts.models import SignIn
from apps.core.problems import ProblemError
from apps.sync.models import QuarantinedWrite
from apps.sync.services import quarantine
from apps.sync.services.applying import apply_for

log = logging.getLogger(__name__)

# More are left to the tick, which goes on where this ended: nobody waits for minutes to sign in.
MOST_AT_ONCE = 200


def take_waiting(*, tablet_id: UUID, now: datetime) -> int:
    """Takes what waits for whoever is signed in on a tablet, oldest first; returns how many rows
    were taken. It may have come from any tablet of the team. One that cannot be taken stays in
    quarantine, with the reasons, and waits for nobody any more."""
    sign_in = (
        SignIn.objects.running(now)
        .filter(tablet=tablet_id)
        .select_related("user", "tablet")
        .first()
    )
    if sign_in is None:
        return 0
    rows = QuarantinedWrite.objects.waiting().filter(
        author=sign_in.user, tablet__team=sign_in.tablet.team_id
    )
    return sum(_take(row, now) for row in list(rows.order_by("at", "edit_no", "pk")[:MOST_AT_ONCE]))


def take_all_waiting(*, now: datetime) -> int:
    """The same for everybody who is signed in."""
    people = QuarantinedWrite.objects.waiting().values("author")
    tablets = SignIn.objects.running(now).filter(user__in=people).values_list("tablet", flat=True)
    return sum(take_waiting(tablet_id=tablet, now=now) for tablet in list(tablets))


def _take(row: QuarantinedWrite, now: datetime) -> bool:
    assert row.author is not None  # that is whom it waits for
    try:
        apply_for(write=row, by=row.author, now=now)
    except ProblemError as problem:
        if problem.status_code < 500:
            quarantine.waits_no_more(row=row, errors=problem.errors, now=now)
        return False
    except (OperationalError, InterfaceError):
        log.warning("a text that waited for its author could not be taken yet")
        return False
    return True
