"""What is told to whoever asks whether this server is ready."""

from __future__ import annotations

import json

import pytest
from django.test import Client


def checks() -> dict[str, bool | None]:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    found: dict[str, bool | None] = json.loads(answer.content)["checks"]
    return found


def test_without_the_database_nothing_is_said_that_only_it_could_tell() -> None:
    """Nobody is sent to the runbook's other pages, or waits once more for each. (This test has not
    asked for the database, so the harness lets nobody near it.)"""
    assert checks() == {
        "database": False,
        "writes": None,
        "redis": True,
        "worker": None,
        "history": None,
        "webhooks": None,
        "notify": None,
        "reminders": None,
    }


@pytest.mark.django_db
def test_a_worker_that_never_ran_is_missing() -> None:
    assert checks() == {
        "database": True,
        "writes": True,
        "redis": True,
        "worker": False,
        "history": True,
        "webhooks": True,
        "notify": True,
        "reminders": True,
    }
