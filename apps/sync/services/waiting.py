"""Texts that came when nobody was signed in: taken when their author signs in again.

They were typed by somebody whose sign-in had ended meanwhile, on a tablet that was not lost, and
nothing else is known to be wrong with them.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from apps.accounts.models import SignIn
from apps.sync.models import QuarantinedWrite
from apps.sync.services.applying import apply_again

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
    due = list(rows.order_by("at", "edit_no", "pk")[:MOST_AT_ONCE])
    return sum(apply_again(write=row, now=now) for row in due)


def take_all_waiting(*, now: datetime) -> int:
    """The same for everybody who is signed in."""
    people = QuarantinedWrite.objects.waiting().values("author")
    tablets = SignIn.objects.running(now).filter(user__in=people).values_list("tablet", flat=True)
    return sum(take_waiting(tablet_id=tablet, now=now) for tablet in list(tablets))
