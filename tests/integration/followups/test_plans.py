"""The verbs of plans and of supervisors' acts: what they refuse, and how a preview reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Role
from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.dispatch.services import load_reference
from apps.followups.models import FollowUp, FollowUpPlan
from apps.followups.services import desk, previewing
from apps.followups.services.plans import load_plans, new_version, save_plan
from apps.followups.services.previewing import preview
from tests.factories import person
from tests.integration.firstaid.conftest import reference
from tests.integration.followups.conftest import NOON, Met, dana, met_elsewhere, world
from tests.integration.followups.test_planning import agrees, cleared, contact, says

__all__ = ["dana", "world"]

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _plan(db: None) -> None:
    load_plans(by=SYSTEM, now=NOON)


def refused(what: Any) -> dict[str, str]:
    with pytest.raises(ProblemError) as told:
        what()
    return {one.pointer: one.detail for one in told.value.errors} or {"": told.value.text}


def test_a_version_in_force_keeps_its_text(dana: Met) -> None:
    row, by = FollowUpPlan.objects.get(), dana.world.supervisor
    row.definition = {"items": []}
    assert "Make a new version" in refused(lambda: save_plan(plan=row, by=by, now=NOON))[""]
    row.refresh_from_db()
    row.effective_to = NOON + timedelta(days=1)
    save_plan(plan=row, by=by, now=NOON)
    assert FollowUpPlan.objects.in_force(NOON + timedelta(days=2)) is None


def test_a_draft_says_why_and_can_be_read(dana: Met) -> None:
    by = dana.world.supervisor
    row = new_version(of=FollowUpPlan.objects.get(), by=by, now=NOON)
    row.why, row.definition = " ", {"items": [{}]}
    errors = refused(lambda: save_plan(plan=row, by=by, now=NOON))
    assert {"/why", "/definition/items/0/code", "/definition/items/0/when"} <= errors.keys()
    names = {new_version(of=row, by=by, now=NOON).version for _ in range(3)}
    assert len(names) == 3


def test_an_act_is_for_who_sees_the_follow_up(dana: Met) -> None:
    contact(dana)
    agrees(dana)
    cleared(dana)
    row, other = FollowUp.objects.get(item="check_24h"), person(Role.SUPERVISOR)
    told = refused(lambda: desk.end(follow_up=row, note="Not mine.", by=other, now=LATER))
    assert told == {"": "You do not see this follow-up."}


def test_a_preview_reads_in_batches_what_its_reader_may_see(
    dana: Met, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a person count for all of their encounters; a refusal for all after it."""
    contact(dana)
    agrees(dana)
    cleared(dana)
    again = met_elsewhere(dana, person=dana.person, now=LATER)
    by = dana.world.theirs.tablets[0]
    for event in ("acknowledged", "en_route", "on_scene", "contact_made"):
        dana.world.tap(event, again.assignment, by=by, now=LATER)
    data = {"disposition": "18"}
    dana.world.tap("cleared", again.assignment, by=by, now=LATER, data=data)
    plan, now = FollowUpPlan.objects.get(), NOON + timedelta(days=3)
    whole = preview(plan=plan, by=dana.world.supervisor, now=now)
    assert (whole.encounters, whole.tried.asked.total(), whole.tried.total) == (2, 6, 6)
    assert (whole.instead_of, whole.cut) == (whole.tried, False)

    says(dana, "refused", now=LATER - timedelta(hours=1))
    since = preview(plan=plan, by=dana.world.supervisor, now=now)
    assert (since.tried.asked.total(), since.tried.total) == (6, 3)
    assert preview(plan=plan, by=person(Role.SUPERVISOR), now=now).encounters == 0

    monkeypatch.setattr(previewing, "BATCH", 1)
    assert preview(plan=plan, by=dana.world.supervisor, now=now) == since
    monkeypatch.setattr(previewing, "MOST", 1)
    cut = preview(plan=plan, by=dana.world.supervisor, now=now)
    assert (cut.encounters, cut.cut) == (1, True)


def test_tablets_have_the_versions(dana: Met) -> None:
    load_reference(by=SYSTEM, now=NOON)
    by, row = dana.world.supervisor, FollowUpPlan.objects.get()
    draft = new_version(of=row, by=by, now=NOON)
    draft.version, draft.definition = "2026-second", {"items": row.definition["items"][:1]}
    save_plan(plan=draft, by=by, now=NOON)
    dana.world.commit()
    held = {one["version"]: one for one in reference("follow_up_plan").values()}
    assert held["2026-first"]["asks_for"] == row.definition["items"]
    assert len(held["2026-second"]["asks_for"]) == 1
    assert held["2026-second"]["holds_from"] > held["2026-first"]["holds_from"]
