"""What the pages of the two reports show: counts with their definitions, and a page of the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.assignments.codes import DECLINE_REASONS
from apps.audit.services import Act, record_all
from apps.core import clock
from apps.dispatch.models import Agency
from apps.metrics import words
from apps.metrics.definitions import DECLINED_BY, FREE, NOT_SENT
from apps.metrics.models import Exported
from apps.metrics.periods import Period
from apps.metrics.services.counting import declined_of
from apps.metrics.services.reporting import MOST_COUNTED, PAGE, declines, not_sent


def not_sent_of(request: HttpRequest, period: Period, by: User) -> dict[str, Any]:
    """The counts of a period, and so many of its calls, those before `before` first."""
    found = not_sent(period, by)
    before = _before(request)
    older = [one for one in found.calls if before is None or one.at < before]
    page = older[:PAGE]
    record_all([Act(user_actor(by), "read", "incident", [one.id for one in page])], now=clock.now())
    return {
        "definitions": (NOT_SENT, FREE),
        "found": found,
        "most": MOST_COUNTED,
        "spreads": (
            ("By hour", [(f"{hour:02d}:00", n) for hour, n in found.by_hour.items()]),
            ("By beat", list(found.by_beat.items())),
            ("By call type", list(found.by_type.items())),
        ),
        "calls": page,
        "older": _next(period, page[-1].at) if len(older) > PAGE else "",
        "export": _export(Exported.NOT_SENT, period),
    }


def declined_by_of(request: HttpRequest, period: Period, by: User) -> dict[str, Any]:
    """How often which agency declined, and why; and on which calls."""
    found, older = declines(period, by, before=_before(request), now=clock.now())
    return {
        "definitions": (DECLINED_BY,),
        "counts": [(words.declined(name), n) for name, n in declined_of(period).items()],
        "declines": [
            (one, _agency(one.agency), DECLINE_REASONS.get(one.reason, "no reason told"))
            for one in found
        ],
        "older": _next(period, older) if older else "",
        "export": _export(Exported.DECLINED, period),
    }


def _export(what: Exported, period: Period) -> str:
    """What the page that makes a file is asked for."""
    return urlencode({"what": what, "first": period.first, "last": period.last})


def _agency(code: str) -> str:
    return Agency(code).label if code in Agency.values else code


def _before(request: HttpRequest) -> datetime | None:
    """Where the page before ended. What is no time begins anew."""
    try:
        at = datetime.fromisoformat(request.GET.get("before", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _next(period: Period, at: datetime) -> str:
    return urlencode({"first": period.first, "last": period.last, "before": at.isoformat()})
