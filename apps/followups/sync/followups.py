"""Follow-ups, and what is told of them in the field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.core.problems import FieldError
from apps.dispatch.codelists import CodeList, register_code_list
from apps.followups import codes, schemas
from apps.followups.access import leads_to
from apps.followups.models import FollowUp, FollowUpEvent
from apps.followups.models.followups import FOLLOW_UPS
from apps.followups.schemas import FOLLOW_UP_EVENT
from apps.followups.services import telling, writing
from apps.followups.shapes import told_in
from apps.people.leads import register_lead
from apps.people.sync import OF_CALL
from apps.sync import policies
from apps.sync.parents import register_parent
from apps.sync.registry import (
    Collection,
    Contact,
    Merging,
    Pushed,
    Refused,
    register,
    register_fact_kind,
)
from apps.sync.stamps import instant
from apps.sync.telling import fitting_of, telling_of
from apps.sync.values import uuid_of


class FollowUps(Collection):
    """How one stands depends on the others of its person: see `records.lock`."""

    def lock(self, rows: Sequence[Pushed]) -> None:
        writing.lock_for_writing({row.doc_id: row.document for row in rows})


def push_event(row: Pushed, contact: Contact, now: datetime) -> dict[str, Any] | None:
    """Takes what is told of a follow-up. Refused for what is no event, or names no follow-up."""
    fitting, reading = fitting_of(row, schemas.EVENT)
    follow_up_id = uuid_of(fitting.get("follow_up_id"))
    if follow_up_id is None:
        raise Refused([FieldError("/follow_up_id", "A UUID.")])
    event = str(fitting.get("event"))
    if event not in codes.EVENTS:
        raise Refused([FieldError("/event", f"One of: {', '.join(codes.EVENTS)}.")])
    at = instant(fitting, "at", reading)
    content = told_in(fitting, reading, now=now)
    if "to" in content and not _is_colleague(content["to"], contact):
        reading.bad("to", content.pop("to"))
    telling.tell_from_tablet(
        follow_up_id=follow_up_id,
        event=event,
        content=content,
        at=at,
        telling=telling_of(row, contact, reading),
        now=now,
    )
    return None


def _is_colleague(id: object, contact: Contact) -> bool:
    """Whether a follow-up can be given to them: they are of the same team, and work."""
    user, named = contact.session.user, uuid_of(id)
    team = user.team_id if user else None
    if team is None or named is None:
        return False
    return User.objects.filter(pk=named, team=team, is_active=True).exists()


def lock_events(rows: Sequence[Pushed]) -> None:
    """What these facts are of, and everything that is connected with it."""
    named = (uuid_of(row.document.get("follow_up_id")) for row in rows)
    telling.lock_for_telling({id for id in named if id})


register_parent("follow_up", FollowUp)
register_parent("follow_up_event", FollowUpEvent)
register(
    FollowUps(
        name=FOLLOW_UPS,
        kind="merged",
        audience="tablet",
        schema=schemas.FOLLOW_UP,
        merging=Merging(
            write=writing.write_follow_up,
            policies={"find": policies.append_only, "note": policies.text},
        ),
        audit_as="follow_up",
        parents=OF_CALL,
    )
)
register_fact_kind(
    FOLLOW_UP_EVENT,
    schema=schemas.EVENT,
    push=push_event,
    lock=lock_events,
    parents={"follow_up_id": "follow_up", "event_id": "follow_up_event"},
)
register_lead("follow_ups", leads_to)
for _name, _known in codes.LISTS.items():
    register_code_list(
        CodeList(
            _name,
            codes.OWN,
            lambda known=_known: [{"code": code, "label": label} for code, label in known.items()],  # type: ignore[misc]
        )
    )
