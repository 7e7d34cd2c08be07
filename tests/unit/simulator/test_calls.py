"""The calls that are played are such that what the product says about calls can be seen."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime

from apps.dispatch import eido
from apps.dispatch.localtime import SEATTLE
from apps.dispatch.rules import evaluate, shipped
from apps.simulator.calls import new_call

AFTERNOON = datetime(2026, 3, 2, 14, 20, tzinfo=SEATTLE)


def test_the_rules_find_some_eligible_and_cannot_tell_of_others() -> None:
    dice = random.Random(1)
    told = [eido.parse(new_call(f"{number:015}", dice).as_eido()) for number in range(100)]
    verdicts = [
        evaluate(replace(call, common_type="WELFARE"), shipped(), AFTERNOON).verdict
        for call in told
    ]
    assert {"eligible", "not_determined"} <= set(verdicts)
