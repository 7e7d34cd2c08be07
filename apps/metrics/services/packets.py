"""Packets: figures frozen as they were given out."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.metrics import figures, packets
from apps.metrics.models import Packet, PacketKind
from apps.metrics.periods import Period
from apps.metrics.services.counting import declined_of, dispatches_of, figures_of


@transaction.atomic
def make_packet(*, kind: PacketKind, period: Period, by: User, now: datetime) -> Packet:
    """Freezes the figures of a period as of now. One that was made before stands: this one replaces
    it. INVALID for a period that is not over, and for one that is not of whole months: two that
    differ by a day would tell the few of that day.
    """
    if period.ends > now:
        raise ProblemError(INVALID, errors=[FieldError("/last", "This time is not over yet.")])
    if not period.is_of_months:
        error = FieldError("/last", "A packet is of whole months: two would tell of single days.")
        raise ProblemError(INVALID, errors=[error])
    rows = dispatches_of(period)
    told = packets.content(
        period,
        figures_of(period),
        by_hour=figures.response_by_hour(rows, period.zone),
        by_beat=figures.response_by_beat(rows),
        declined=declined_of(period),
    )
    before = Packet.objects.filter(kind=kind, begins=period.first, ends=period.last)
    row = Packet.objects.create(
        kind=kind,
        begins=period.first,
        ends=period.last,
        made_at=now,
        made_by=by,
        content=told,
        content_hash=packets.digest(told),
        replaces=before.order_by("-made_at").first(),
    )
    record_all([Act(user_actor(by), "create", "packet", [row.pk], {"kind": kind})], now=now)
    return row
