"""A supervisor makes a version of the plan in the form: rows come and go, mistakes stand beside
their fields, nothing that was typed is lost, and a try saves nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.http import QueryDict
from django.test import Client

from apps.audit.models import Entry
from apps.core import clock
from apps.followups import plans
from apps.followups.admin.planforms import ItemForm, PlanForm
from apps.followups.models import FollowUp, FollowUpPlan
from apps.followups.services.plans import new_version
from tests.integration.followups.conftest import NOON, Met, dana, world
from tests.integration.followups.test_admin import at_noon, desk, followed, read

__all__ = ["at_noon", "dana", "desk", "followed", "world"]

pytestmark = pytest.mark.django_db

LISTS = "/admin/followups/followupplan/"


@pytest.fixture
def draft(desk: Client) -> FollowUpPlan:
    """A new version of the plan that comes with the product."""
    old = FollowUpPlan.objects.get()
    desk.post(LISTS, {"action": "new_version", "_selected_action": [str(old.pk)]})
    return FollowUpPlan.objects.exclude(pk=old.pk).get()


def fields(row: FollowUpPlan) -> dict[str, Any]:
    """What the form of a version sends, untouched."""
    form = PlanForm(instance=row)
    sent: dict[str, Any] = {"version": row.version, "why": row.why}
    sent["row"] = [str(one.number) for one in form.rows]
    for name in ("effective_from", "effective_to"):
        at = getattr(row, name)
        told = f"{at.astimezone(clock.city()):%Y-%m-%d %H:%M}".split() if at else ("", "")
        sent |= {f"{name}_{part}": one for part, one in enumerate(told)}
    for one in form.rows:
        sent |= {field.html_name: field.value() for field in one if field.value() is not None}
    return sent


def press(desk: Client, row: FollowUpPlan, sent: dict[str, Any], button: str = "_save") -> Any:
    """Sends the form by one of its buttons."""
    name, _, value = button.partition("=")
    answer = desk.post(f"{LISTS}{row.pk}/change/", {**sent, name: value or "1"})
    row.refresh_from_db()
    return answer


def shown(answer: Any) -> PlanForm:
    form = answer.context["adminform"].form
    assert isinstance(form, PlanForm)
    return form


def values(form: PlanForm, name: str) -> list[Any]:
    """What a field shows, row by row."""
    return [row[name].value() for row in form.rows]


class TestWhatIsSaved:
    def test_a_version_in_force_is_read_and_not_edited(self, desk: Client) -> None:
        row = FollowUpPlan.objects.get()
        text = read(desk, f"followupplan/{row.pk}/change/")
        assert "24 h after the contact" in text
        assert "Somebody was met and wanted no help" in text
        assert "item-0-code" not in text
        press(desk, row, {**fields(row), "why": "Other words.", "item-0-after_hours": "1"})
        assert row.why != "Other words."
        assert row.definition["items"][0]["after_hours"] == 24

    def test_a_new_one_is_made_of_it_and_has_its_day(
        self, dana: Met, desk: Client, draft: FollowUpPlan
    ) -> None:
        assert draft.made_by == dana.world.supervisor
        assert draft.effective_from > NOON
        changed = {"version": "2026-second", "why": "Agreed on 2026-03-02."}
        row = {"item-0-way": "phone", "item-0-after_hours": "20.5", "item-0-dose": "no"}
        row |= {"item-0-risk": ["high", "moderate"], "item-0-outcomes": ["met", "refused"]}
        assert press(desk, draft, {**fields(draft), **changed, **row}).status_code == 302
        assert (draft.version, draft.why) == ("2026-second", "Agreed on 2026-03-02.")
        first = draft.definition["items"][0]
        assert (first["way"], first["after_hours"]) == ("phone", 20.5)
        assert first["when"] == {
            "outcomes": ["met", "refused"],
            "risk": ["high", "moderate"],
            "dose": False,
        }
        assert Entry.objects.filter(subject_type="follow_up_plan", action="update").exists()

    def test_what_a_version_says_is_what_its_form_shows_and_saves(
        self, draft: FollowUpPlan
    ) -> None:
        """To the sign: tablets hold the definition."""
        whole = {
            **draft.definition["items"][0],
            "code": "all",
            "when": {"outcomes": ["met"], "risk": ["low"], "dose": True, "referral": False}
            | {"known": True},
            "after": "dose",
            "after_hours": 1.5,
        }
        draft.definition["items"].append(whole)
        draft.save()
        sent = QueryDict(mutable=True)
        for name, value in fields(draft).items():
            sent.setlist(name, value if isinstance(value, list) else [value])
        for name in ("effective_from", "effective_to"):
            sent[name] = f"{getattr(draft, name):%Y-%m-%d %H:%M}" if getattr(draft, name) else ""
        form = PlanForm(sent, instance=FollowUpPlan.objects.get(pk=draft.pk))
        assert form.is_valid(), form.errors
        told = (one.definition["items"] for one in (form.instance, draft))
        saved, stored = (orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in told)
        assert saved == stored

    def test_the_form_has_a_field_for_each_word_of_a_plan(self) -> None:
        item = plans.Item.__dataclass_fields__.keys() | plans.When.__dataclass_fields__.keys()
        assert ItemForm.base_fields.keys() == item - {"when"}
        assert {name for names in ItemForm.GROUPS.values() for name in names} == item - {"when"}

    def test_a_press_that_is_repeated_saves_the_same(
        self, desk: Client, draft: FollowUpPlan
    ) -> None:
        sent = {**fields(draft), "version": "2026-twice", "item-1-tries": "5"}
        for _ in range(2):
            assert press(desk, draft, sent).status_code == 302
            assert draft.definition["items"][1]["tries"] == 5
        assert FollowUpPlan.objects.filter(version="2026-twice").count() == 1

    def test_a_plan_from_nothing(self, desk: Client) -> None:
        assert len(shown(desk.get(f"{LISTS}add/")).rows) == 1
        item = {f"item-0-{name}": value for name, value in _ITEM.items()}
        sent = {"version": "2027", "why": "Agreed.", "row": ["0"], **item}
        sent |= {"effective_from_0": "2099-01-01", "effective_from_1": "00:00"}
        answer = desk.post(f"{LISTS}add/", {**sent, "effective_to_0": "", "effective_to_1": ""})
        assert answer.status_code == 302
        made = FollowUpPlan.objects.get(version="2027").definition["items"]
        assert [one["code"] for one in made] == ["once"]


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("field", "typed", "mend"),
        [
            ("code", "Two words", "A short name"),
            ("code", "check_72h", "Another item has this code."),
            ("outcomes", [], "Name at least one"),
            ("after_hours", "soon", "From 0.5 to 2160 hours."),
            ("window_hours", "", "From 1 to 720 hours."),
            ("tries", "2.5", "A whole number."),
            ("tries", "11", "From 1 to 10 tries."),
            ("retry_hours", "0", "From 1 to 720 hours."),
            ("missed_after_hours", "nan", "From 0 to 336 hours."),
            ("way", "pigeon", "One of visit, phone, text."),
            ("known", "perhaps", "Select a valid choice"),
        ],
    )
    def test_stands_beside_its_field_and_what_was_typed_stays(
        self, desk: Client, draft: FollowUpPlan, field: str, typed: Any, mend: str
    ) -> None:
        named = f"item-{0 if typed != 'check_72h' else 2}-{field}"
        answer = press(desk, draft, {**fields(draft), named: typed, "why": "Because."})
        form = shown(answer)
        row = form.rows[0 if typed != "check_72h" else 2]
        assert mend in str(row.errors[field])
        assert {name for one in form.rows for name in one.errors} == {field}
        assert row[field].value() == typed
        assert form["why"].value() == "Because."
        text = answer.content.decode()
        assert f'id="id_{named}_error"' in text
        assert f"Something is wrong with follow-up {row.number + 1}." in text
        assert draft.why != "Because."

    def test_what_counts_from_a_dose_is_for_calls_with_one(
        self, desk: Client, draft: FollowUpPlan
    ) -> None:
        sent = {**fields(draft), "item-0-after": "dose"}
        assert "with one" in str(shown(press(desk, draft, sent)).rows[0].errors["dose"])

    @pytest.mark.parametrize("above", [{"why": " "}, {"effective_from_0": "2020-01-01"}])
    def test_is_told_at_once_above_the_rows_and_in_them(
        self, desk: Client, draft: FollowUpPlan, above: dict[str, str]
    ) -> None:
        sent = {**fields(draft), **above, "item-0-tries": "many", "item-3-tries": "99"}
        form = shown(press(desk, draft, sent))
        assert next(iter(above)).removesuffix("_0") in form.errors
        assert [n for n, row in enumerate(form.rows) if row.errors] == [0, 3]

    def test_a_day_that_is_past_does_not_close_the_form(
        self, desk: Client, draft: FollowUpPlan
    ) -> None:
        """A version that has begun is not edited; what is typed makes none of it."""
        sent = {**fields(draft), "effective_from_0": "2020-01-01", "version": "no name"}
        text = press(desk, draft, sent).content.decode()
        for field in ("version", "effective_from_0", "why", "item-0-code"):
            assert f'name="{field}"' in text, field

    def test_the_day_of_it_lies_in_the_future(self, desk: Client, draft: FollowUpPlan) -> None:
        sent = {**fields(draft), "effective_from_0": "2020-01-01"}
        assert "Must lie in the future." in press(desk, draft, sent).content.decode()


class TestRows:
    def test_one_is_added_and_nothing_is_saved_or_lost(
        self, desk: Client, draft: FollowUpPlan
    ) -> None:
        before = draft.definition
        sent = {**fields(draft), "item-0-after_hours": "soon", "why": "Half"}
        answer = press(desk, draft, sent, "_add")
        form = shown(answer)
        assert len(form.rows) == 7
        assert values(form, "after_hours")[0] == "soon"
        assert form["why"].value() == "Half"
        assert form.rows[-1]["code"].id_for_label == f"id_item-{PlanForm(instance=draft).next}-code"
        assert 'class="errorlist"' not in answer.content.decode(), "it is not filled in yet"
        assert draft.definition == before

        new = {f"item-6-{name}": value for name, value in _ITEM.items()}
        sent = {**fields(draft), "row": [*map(str, range(7))], **new}
        assert press(desk, draft, sent).status_code == 302
        assert draft.definition["items"][-1] == {**_ITEM_SAVED, "when": {"outcomes": ["met"]}}

    def test_one_is_removed_and_the_others_stay_as_they_were_typed(
        self, desk: Client, draft: FollowUpPlan
    ) -> None:
        sent = {**fields(draft), "item-2-after_hours": "200"}
        form = shown(press(desk, draft, sent, "_remove=1"))
        assert [row.number for row in form.rows] == [0, 2, 3, 4, 5]
        assert values(form, "after_hours")[1] == "200"
        assert len(draft.definition["items"]) == 6
        again = shown(press(desk, draft, {**sent, "row": ["0", "2", "3", "4", "5"]}, "_remove=1"))
        assert len(again.rows) == 5, "whoever presses twice removes one"
        sent["row"] = [str(row.number) for row in form.rows]
        assert press(desk, draft, sent).status_code == 302
        assert [one["after_hours"] for one in draft.definition["items"]][:2] == [24, 200]

    def test_there_are_only_so_many(self, desk: Client, draft: FollowUpPlan) -> None:
        one = fields(draft)
        sent = {name: value for name, value in one.items() if not name.startswith("item-")}
        sent["row"] = [*map(str, range(plans.MOST_ITEMS))]
        answer = press(desk, draft, sent, "_add")
        assert len(shown(answer).rows) == plans.MOST_ITEMS
        assert 'name="_add"' not in answer.content.decode()

    @pytest.mark.parametrize("told", ["x", "-1", "²", "1" * 5000, ""])
    def test_what_is_no_row_is_none(self, desk: Client, draft: FollowUpPlan, told: str) -> None:
        assert len(shown(press(desk, draft, {**fields(draft), "row": [told]}, "_try")).rows) == 0


class TestATry:
    def test_counts_what_is_typed_and_saves_nothing(
        self,
        dana: Met,
        desk: Client,
        followed: FollowUp,
        draft: FollowUpPlan,
        at_noon: Callable[[datetime], None],
    ) -> None:
        at_noon(NOON + timedelta(days=2))
        before, made = draft.definition, FollowUp.objects.count()
        sent = {**fields(draft), "row": ["0"], "item-0-code": "sooner"}
        answer = press(desk, draft, sent, "_try")
        text = answer.content.decode()
        assert "<strong>1</strong> follow-up, instead of <strong>3</strong>" in text
        assert re.search(r"<td>sooner</td><td>1</td>", text)
        assert values(shown(answer), "code") == ["sooner"]
        assert (draft.definition, FollowUp.objects.count()) == (before, made)
        assert not Entry.objects.filter(subject_type="follow_up_plan", action="update").exists()
        entry = Entry.objects.get(action="dry-run")
        assert entry.subject_ids == [dana.encounter]

    def test_of_what_is_wrong_says_so(self, desk: Client, draft: FollowUpPlan) -> None:
        answer = press(desk, draft, {**fields(draft), "item-0-tries": "0"}, "_try")
        assert "From 1 to 10 tries." in str(shown(answer).rows[0].errors["tries"])
        assert "This version would have made" not in answer.content.decode()

    def test_of_a_saved_one_counts_and_writes_nothing(
        self, dana: Met, desk: Client, followed: FollowUp, at_noon: Callable[[datetime], None]
    ) -> None:
        at_noon(NOON + timedelta(days=2))
        old = FollowUpPlan.objects.get()
        row = new_version(of=old, by=dana.world.supervisor, now=clock.now())
        FollowUpPlan.objects.filter(pk=row.pk).update(
            definition={"items": row.definition["items"][:1]}
        )
        before = FollowUp.objects.count()
        text = read(desk, f"followupplan/{row.pk}/preview/")
        assert "with the 1 encounter of your team" in text, text.split("<p>")[1]
        assert "<strong>1</strong> follow-up, instead of <strong>3</strong>" in text
        assert FollowUp.objects.count() == before
        assert Entry.objects.get(action="dry-run").subject_ids == [dana.encounter]


_ITEM = {
    "code": "once",
    "purpose": "other",
    "outcomes": ["met"],
    "after": "contact",
    "after_hours": "48",
    "window_hours": "24.0",
    "way": "text",
    "tries": "1",
    "retry_hours": "1",
    "missed_after_hours": "0",
}
_ITEM_SAVED = {
    **{name: _ITEM[name] for name in ("code", "purpose", "after", "way")},
    "after_hours": 48,
    "window_hours": 24,
    "tries": 1,
    "retry_hours": 1,
    "missed_after_hours": 0,
}
