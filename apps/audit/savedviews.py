"""Views of lists that people keep: the filters under a name, for oneself or for the team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from apps.audit.models import SavedView
from apps.audit.services import Actor, record
from apps.core.problems import INVALID, ProblemError

# Of one person on one list: more are no help to anybody.
MOST: Final = 20
# Signs of its address: a longer one comes from no list, and every page of the list would hold it.
LONGEST: Final = 1000


@transaction.atomic
def save(
    *,
    page: str,
    name: str,
    query: Mapping[str, Sequence[str]],
    by: Actor,
    team_id: UUID | None,
    now: datetime,
) -> SavedView:
    """Keeps the filters of a list. `team_id`: whom it is shared with. INVALID for one too many,
    and for what no address of a list holds. Whoever keeps two at once holds their own row, so that
    the second counts the first."""
    assert by.id is not None
    get_user_model().objects.select_for_update(no_key=True).get(pk=by.id)
    address = urlencode(query, doseq=True)
    if len(address) > LONGEST or "%00" in address:  # the latter is in no column of PostgreSQL's
        raise ProblemError(INVALID, "These are no filters of a list.")
    if SavedView.objects.filter(page=page, user_id=by.id).count() >= MOST:
        raise ProblemError(INVALID, f"Nobody keeps more than {MOST} views of one list.")
    view = SavedView.objects.create(
        page=page,
        user_id=by.id,
        team_id=team_id,
        name=name,
        query={key: list(values) for key, values in query.items()},
        made_at=now,
    )
    record(actor=by, action="save_view", subject_type="saved_view", subject_ids=[view.pk], now=now)
    return view


@transaction.atomic
def forget(*, view_id: UUID, by: Actor, for_team: UUID | None, now: datetime) -> bool:
    """Drops one's own view, or one that is shared with the team that one answers for (`for_team`);
    False where there is none such."""
    assert by.id is not None
    # What is shared may be dropped by who answers for the team: its owner may have left.
    rows = SavedView.objects.of(user_id=by.id, team_id=for_team)
    row = rows.select_for_update().filter(pk=view_id).first()
    if row is None:
        return False
    row.delete()
    record(
        actor=by,
        action="forget_view",
        subject_type="saved_view",
        subject_ids=[view_id],
        now=now,
        detail={} if row.user_id == by.id else {"owner": str(row.user_id)},
    )
    return True
