"""Rules are versions: what has taken effect stays as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.dispatch import services
from apps.dispatch.models import CallType, DispatchRule, Incident
from apps.dispatch.services import rulebook
from tests.factories import NOON
from tests.integration.dispatch.conftest import CAD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


def rule(version: str = "2025-citywide") -> DispatchRule:
    return DispatchRule.objects.get(version=version)


def save(row: DispatchRule) -> DispatchRule:
    return services.save_rule(rule=row, by=SYSTEM, now=NOON)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "other"),
        ("citation", "another agreement"),
        ("effective_from", NOON + timedelta(days=1)),
        ("definition", {}),
    ],
)
def test_a_version_in_force_is_not_edited(name: str, value: Any) -> None:
    row = rule()
    setattr(row, name, value)
    with pytest.raises(ProblemError):
        save(row)
    assert getattr(rule(), name) != value


def test_its_end_is_set_to_a_time_to_come() -> None:
    row = rule()
    row.effective_to = NOON + timedelta(days=1)
    save(row)
    assert rule().effective_to == NOON + timedelta(days=1)
    row.effective_to = NOON - timedelta(days=1)
    with pytest.raises(ProblemError):
        save(row)
    over = rule("2023-pilot")
    over.effective_to = None
    with pytest.raises(ProblemError):
        save(over)


def test_a_new_version_is_worked_on_until_it_takes_effect(cad: CAD) -> None:
    copy = services.new_version(of=rule(), by=SYSTEM, now=NOON)
    another = services.new_version(of=rule(), by=SYSTEM, now=NOON)
    assert copy.version != another.version
    assert copy.definition == rule().definition
    assert copy.effective_from > NOON + timedelta(days=29)
    copy.version = "2026-night"
    copy.effective_from = NOON + timedelta(hours=1)
    copy.definition = {**copy.definition, "hours": {"from": "00:00", "to": "00:00"}}
    save(copy)
    late = NOON + timedelta(hours=12)
    cad.tell(cad_number="1", received_at="2026-03-04T23:30:00-08:00", now=late)
    assert Incident.objects.get().evaluation["rule_version"] == "2026-night"


def test_mistakes_in_a_definition_are_named() -> None:
    copy = services.new_version(of=rule(), by=SYSTEM, now=NOON)
    copy.definition = {**copy.definition, "beats": ["K9"], "tz": "Mars/Olympus"}
    with pytest.raises(ProblemError) as refused:
        save(copy)
    pointers = {error.pointer for error in refused.value.errors}
    assert {"/definition/beats/0", "/definition/tz"} <= pointers


def test_nothing_takes_effect_in_the_past() -> None:
    copy = services.new_version(of=rule(), by=SYSTEM, now=NOON)
    copy.effective_from = NOON - timedelta(days=1)
    with pytest.raises(ProblemError):
        save(copy)


def test_a_changed_rule_is_known_at_once_here(cad: CAD) -> None:
    assert "agency-night" not in {one.version for one in rulebook.current().rules}
    copy = services.new_version(of=rule(), by=SYSTEM, now=NOON)
    copy.version = "agency-night"
    save(copy)
    assert "agency-night" in {one.version for one in rulebook.current().rules}


def test_the_agencys_own_call_types_count(cad: CAD) -> None:
    cad.tell(initial_call_type="WELFARE CHECK BY DRONE")
    assert Incident.objects.get().verdict == "not_determined"
    services.save_call_type(
        call_type=CallType(code="WELFARE CHECK BY DRONE", common_type="WELFARE"),
        by=SYSTEM,
        now=NOON,
    )
    cad.tell(cad_number="2", initial_call_type="WELFARE CHECK BY DRONE")
    row = Incident.objects.get(cad_number="2")
    assert (row.common_type, row.verdict) == ("WELFARE", "eligible")
    assert "unknown call type" not in row.flags
