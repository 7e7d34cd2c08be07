"""Liveness and readiness, for load balancers and the operator. Neither tells anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

from apps.core import clock
from apps.core.models import Heartbeat
from apps.core.writable import can_write

Check = Callable[[], bool]
_further: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """Registers what a room above adds to readiness: a function that asks the database whether it
    is fine."""

    def register(function: Check) -> Check:
        _further[name] = function
        return function

    return register


def live(request: HttpRequest) -> JsonResponse:
    """200 while this process answers."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when database, Redis and the worker's heartbeat are fine; otherwise 503 naming them.
    `database`: it can be read. `writes`: what it is told is kept, see `apps.core.writable`.

    Redis or the worker missing does not stop calls from reaching tablets (they fall back), but
    alarms would be late, and somebody must know. null: the database would have to be asked, and it
    does not answer.
    """
    found = checks()
    fine = all(found.values())
    body = {"status": "ready" if fine else "degraded", "checks": found}
    return JsonResponse(body, status=200 if fine else 503)


def checks() -> dict[str, bool | None]:
    """Each part by its name: whether it is fine. None: see `ready`."""
    database = _is_fine(_database)
    in_database = {"writes": can_write, "worker": _worker, **_further}
    found: dict[str, bool | None] = {"database": database, "redis": _is_fine(_redis)}
    for name, function in in_database.items():
        found[name] = _is_fine(function) if database else None
    return found


def _is_fine(function: Check) -> bool:
    try:
        return function()
    except Exception:  # noqa: BLE001  any failure of any layer of a driver means the same here
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return True


def _redis() -> bool:
    cache.get("readiness")
    return True


def _worker() -> bool:
    oldest = clock.now() - timedelta(seconds=3 * settings.WORKER_HEARTBEAT_SECONDS)
    return Heartbeat.objects.filter(name="worker", at__gte=oldest).exists()
