"""On the page of what was not taken: an edit that came after its note was signed becomes an
addendum."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.audit.acts import Act
from apps.casenotes import services
from apps.core import clock
from apps.sync.admin.quarantine import QuarantinedWriteAdmin
from apps.sync.models import QuarantinedWrite


def _add(row: QuarantinedWrite, by: User, _: dict[str, Any]) -> str:
    services.add_refused(write=row, by=by, now=clock.now())
    return f"{row}: added to its note."


QuarantinedWriteAdmin.acts["make_addendum"] = Act(
    label="Make it an addendum (an edit of a signed note)",
    question="The note stays as it was signed; what was typed after it stands beside it.",
    verb=_add,
    offered=lambda row: row.collection == "case_notes",
)
