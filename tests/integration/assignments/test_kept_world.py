"""The world that tests begin with is put back as it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction

from apps.changes.models import Change
from tests import kept
from tests.integration.assignments.conftest import World, build, shown


def counts() -> dict[str, int]:
    """The rows of each table; many changes of the feed are one commit in a test."""
    models = apps.get_models()
    return {m.__name__: m._base_manager.count() for m in models if m.__name__ != "Commit"}


def test_has_as_many_rows_as_one_that_is_made(
    kept_world: dict[str, Any] | None, commit_now: Callable[[], None]
) -> None:
    if kept_world is None:
        pytest.skip("nothing is kept on a server where triggers cannot be left out")
    with transaction.atomic():
        before = counts()
        kept.put("world")
        put_back = counts()
        transaction.set_rollback(True)
    assert counts() == before
    build(commit_now)
    assert put_back == counts()


@pytest.mark.parametrize("time", ["first", "second"])
def test_is_the_same_for_each_test_and_the_feed_goes_on(world: World, time: str) -> None:
    newest = Change.objects.latest("n").n
    assert not shown(world.ours.tablets[0], "assignments")
    row = world.given()
    assert set(shown(world.ours.tablets[0], "assignments")) == {row.pk}
    assert Change.objects.latest("n").n > newest
    world.team.name = "changed by a test"
    world.team.save()


def test_remembers_nothing_that_a_test_did_with_it(world: World) -> None:
    assert world.team.name != "changed by a test"
    world.team.refresh_from_db()
    assert world.team.name != "changed by a test"
