"""The case that tests begin with is put back as it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from tests import kept
from tests.factories import NOON
from tests.integration.assignments.conftest import build
from tests.integration.assignments.test_kept_world import counts
from tests.integration.referrals.conftest import Case, met, shown


def test_has_as_many_rows_as_one_that_is_made(
    kept_case: tuple[dict[str, Any], dict[str, Any]] | None, commit_now: Callable[[], None]
) -> None:
    if kept_case is None:
        pytest.skip("nothing is kept on a server where triggers cannot be left out")
    with transaction.atomic():
        before = counts()
        kept.put("case")
        put_back = counts()
        transaction.set_rollback(True)
    assert counts() == before
    met(build(commit_now))
    assert put_back == counts()


@pytest.mark.parametrize("time", ["first", "second"])
def test_is_the_same_for_each_test_and_goes_on(case: Case, time: str) -> None:
    assert named(case) == "Dana"
    assert case.save("persons", case.person, given_name="Changed by a test") == []
    assert named(case) == "Changed by a test"
    assert case.believed[str(case.person)]["given_name"] == "Changed by a test"
    assert case.world.call(now=NOON).pk != case.assignment.incident_id


def named(case: Case) -> str:
    """Dana's name on the tablet."""
    return str(shown(case.tablet, "persons")[case.person]["given_name"])
