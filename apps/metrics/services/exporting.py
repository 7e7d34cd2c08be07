"""Dispatches, calls and declines as a file: one line each, nothing that names anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import user_actor
from apps.audit.services import Act, record_all
from apps.core.clock import iso
from apps.core.problems import INVALID, FieldError, ProblemError
from apps.metrics.exports import Cell, as_csv, as_xlsx
from apps.metrics.models import DispatchFigures, Exported, FigureExport, FileFormat
from apps.metrics.periods import Period
from apps.metrics.services.reporting import (
    DECLINED_COLUMNS,
    NOT_SENT_COLUMNS,
    all_declines,
    declined_lines,
    not_sent,
    not_sent_lines,
)

_COLUMNS: Final = (
    *("id", "incident_id", "entry_kind", "call_type", "beat", "occurred_at", "given_at"),
    *("acknowledged_at", "en_route_at", "on_scene_at", "contact_at", "closed_at", "closing"),
    *("disposition", "met", "record", "encounters", "doses", "naloxone", "aids", "referrals"),
)


@transaction.atomic
def export_dispatches(
    *, period: Period, file_format: FileFormat, reason: str, by: User, now: datetime
) -> bytes:
    """The dispatches of a period as CSV or XLSX, for a reason. Who took which time, and why, is
    written down before it is handed out. INVALID at /reason without one."""
    taken = _Taken(Exported.DISPATCHES, period, file_format, _said(reason), by, now)
    rows = DispatchFigures.objects.between(period.begins, period.ends).order_by("given_at", "pk")
    return _hand_out(taken, _COLUMNS, list(_lines(rows.values_list(*_COLUMNS))))


@transaction.atomic
def export_not_sent(
    *, period: Period, file_format: FileFormat, reason: str, by: User, now: datetime
) -> bytes:
    """The calls of a period that were eligible and not sent, as `export_dispatches`."""
    taken = _Taken(Exported.NOT_SENT, period, file_format, _said(reason), by, now)
    return _hand_out(taken, NOT_SENT_COLUMNS, list(not_sent_lines(not_sent(period, by))))


@transaction.atomic
def export_declined(
    *, period: Period, file_format: FileFormat, reason: str, by: User, now: datetime
) -> bytes:
    """Who declined on the calls of a period that `by` may see, as `export_dispatches`."""
    taken = _Taken(Exported.DECLINED, period, file_format, _said(reason), by, now)
    found = all_declines(period, by, now=now)
    return _hand_out(taken, DECLINED_COLUMNS, list(declined_lines(found)))


@dataclass(frozen=True)
class _Taken:
    """Who takes what, and why."""

    what: Exported
    period: Period
    file_format: FileFormat
    reason: str
    by: User
    now: datetime


def _said(reason: str) -> str:
    if not reason.strip():
        raise ProblemError(INVALID, errors=[FieldError("/reason", "Say who asked, and for what.")])
    return reason.strip()


def _hand_out(taken: _Taken, heads: Sequence[str], lines: Sequence[list[Cell]]) -> bytes:
    """The file, once it is written down."""
    row = FigureExport.objects.create(
        begins=taken.period.first,
        ends=taken.period.last,
        format=taken.file_format,
        what=taken.what,
        lines=len(lines),
        at=taken.now,
        by=taken.by,
        reason=taken.reason,
    )
    detail = {"what": taken.what, "format": taken.file_format, "lines": len(lines)}
    act = Act(user_actor(taken.by), "export", "figure_export", [row.pk], detail)
    record_all([act], now=taken.now)
    if taken.file_format == FileFormat.XLSX:
        return as_xlsx(taken.what.label.capitalize(), heads, lines)
    return as_csv(heads, lines)


def _lines(rows: Iterable[tuple[object, ...]]) -> Iterator[list[Cell]]:
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, int | float | str) or value is None else str(value)
