"""Who fits: the server's rule and the reference client's are one, by one table of cases."""

from __future__ import annotations

from typing import Any

import pytest

from apps.referrals.codes import FLAGS
from apps.referrals.directory import codes
from apps.referrals.directory import fit as server
from apps.referrals.directory.documents import conditions
from apps.simulator.tablet import directory as client
from tests.unit.referrals.directory_cases import AT, CASES, DAY, HERE, OPEN, Case, service


@pytest.mark.parametrize("rule", [server, client], ids=["server", "client"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_say_the_same(rule: Any, case: Case) -> None:
    ask = rule.Ask(**{"at": AT, "day": DAY, **case.asked})
    found = rule.fit(service(**case.said), ask)
    assert (found.answer, found.reasons, found.steps) == (case.answer, case.reasons, case.steps)
    if case.metres is None:
        assert found.metres is None
    else:
        assert found.metres == pytest.approx(case.metres, abs=1)


@pytest.mark.parametrize("rule", [server, client], ids=["server", "client"])
def test_the_nearest_place_that_is_open_is_named(rule: Any) -> None:
    far, near = {**HERE, **OPEN, "id": "far", "lat": 47.7}, {**HERE, **OPEN, "id": "near"}
    ask = rule.Ask(at=AT, day=DAY, near=(HERE["lat"], HERE["lon"]))
    assert rule.fit(service(places=[far, near]), ask).place["id"] == "near"


def test_no_person_is_in_what_is_printed() -> None:
    for rule in (server, client):
        assert "44" not in repr(rule.Ask(at=AT, day=DAY, person={"age": 44}))


def test_every_reason_has_its_words() -> None:
    told = {reason for case in CASES for reason in case.reasons}
    told |= {one["code"] for one in conditions(1, 90, codes.CRITERIA)}

    assert told - {"left_handed"} <= set(codes.FIT_REASONS)
    assert {f"check:{code}" for code in codes.FIT_REASONS} <= set(FLAGS)
