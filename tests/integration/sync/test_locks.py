"""Whoever writes a document makes others wait who write it, and nobody else."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from apps.core.ids import uuid7
from apps.sync.documents import lock
from tests.integration.conftest import Elsewhere


@transaction.atomic
def locked(collection: str, id: UUID) -> None:
    lock(collection, [id])


def test_a_lock_is_of_one_document_of_one_collection(elsewhere: Elsewhere) -> None:
    id = uuid7()
    with transaction.atomic():
        lock("encounters", [id])
        elsewhere.do(lambda: locked("follow_up_circles", id))
        waiting = elsewhere.start(lambda: locked("encounters", id))
        elsewhere.until_waiting(waiting)
    waiting.result(timeout=60)
