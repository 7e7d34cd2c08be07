"""Acts to test rules with, in memory."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.core.ids import uuid7
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer
from tests.factories import NOON

_orders = itertools.count(1)
CASE = UUID(int=7)


def dose(
    *,
    at: datetime | None = NOON,
    corrects: NaloxoneDose | None = None,
    given_at: datetime | None = None,
    offset_ms: int | None = 0,
    **data: Any,
) -> NaloxoneDose:
    """A dose that was tapped `at` by the device's clock."""
    return NaloxoneDose(
        id=uuid7(),
        assignment_id=CASE,
        corrects=corrects.pk if corrects else None,
        order=next(_orders),
        device_time=at,
        given_at=given_at,
        clock_offset_ms=offset_ms,
        received_at=NOON,
        source="tablet",
        data=data,
    )


def answer(
    question: str, answer: str, *, of: NaloxoneDose | None = None, at: datetime = NOON, **data: Any
) -> OverdoseAnswer:
    return OverdoseAnswer(
        id=uuid7(),
        assignment_id=CASE,
        question=question,
        dose_id=of.pk if of else None,
        order=next(_orders),
        device_time=at,
        clock_offset_ms=0,
        received_at=at,
        source="tablet",
        data={"answer": answer, **data},
    )


def log(*, corrects: FirstAidLog | None = None, **data: Any) -> FirstAidLog:
    return FirstAidLog(
        id=uuid7(),
        assignment_id=CASE,
        corrects=corrects.pk if corrects else None,
        order=next(_orders),
        device_time=NOON,
        clock_offset_ms=0,
        received_at=NOON,
        source="tablet",
        data=data,
    )
