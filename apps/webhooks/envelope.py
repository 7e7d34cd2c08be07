"""The body of a webhook: what every event has around its `data`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.core.clock import iso

# The standard: keep it below 20 kB.
LARGEST_BODY = 20_000


def body(
    *,
    type: str,
    version: int,
    at: datetime,
    endpoint: UUID,
    epoch: UUID,
    sequence: int,
    parked: Sequence[UUID],
    data: dict[str, Any],
) -> bytes:
    """The bytes that are signed and sent.

    `at`: when it happened. `sequence` counts the endpoint's events, `epoch` names the history that
    they are counted in. `parked`: ids of earlier events of the subject that the receiver refused.
    """
    return orjson.dumps(
        {
            "type": type,
            "version": version,
            "timestamp": iso(at),
            "endpoint": endpoint,
            "epoch": epoch,
            "sequence": sequence,
            "parked": list(parked),
            "data": data,
        }
    )
