"""An administrator makes a version of a policy in fields and confirms it; a supervisor reads it.
Mistakes stand beside their fields, and nothing that was typed is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.casenotes import policies
from apps.casenotes.admin.policyforms import ActForm, IntervalForm, PolicyForm, RuleForm
from apps.casenotes.models import NotePolicy
from apps.casenotes.services.policies import load_policies
from apps.core import clock
from tests.factories import NOON, person

pytestmark = pytest.mark.django_db

LISTS = "/admin/casenotes/notepolicy/"
[SHIPPED] = policies.shipped()


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    load_policies(by=SYSTEM, now=NOON)


def at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def administrator(db: None) -> User:
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def desk(administrator: User) -> Client:
    return at_desk(administrator)


@pytest.fixture
def first() -> NotePolicy:
    return NotePolicy.objects.get(version=SHIPPED.version)


@pytest.fixture
def draft(desk: Client, first: NotePolicy) -> NotePolicy:
    """A new version of the policy that comes with the product."""
    desk.post(LISTS, {"action": "new_version", "_selected_action": [str(first.pk)]})
    return NotePolicy.objects.exclude(pk=first.pk).get()


def fields(row: NotePolicy) -> dict[str, Any]:
    """What the form of a version sends, untouched."""
    form = PolicyForm(instance=row)
    sent: dict[str, Any] = {"version": row.version, "citation": row.citation}
    for name in ("effective_from", "effective_to"):
        at = getattr(row, name)
        told = f"{at.astimezone(clock.city()):%Y-%m-%d %H:%M}".split() if at else ("", "")
        sent |= {f"{name}_{part}": one for part, one in enumerate(told)}
    shown = [form.rules.management_form, *(one for part in form.parts.values() for one in part)]
    for one in shown:
        sent |= {field.html_name: field.value() for field in one if field.value() is not None}
    return sent


def press(desk: Client, row: NotePolicy, **changed: Any) -> Any:
    """Sends the form with these fields changed; `__` for the signs that no name has."""
    told = {name.replace("__", "-"): one for name, one in changed.items()}
    answer = desk.post(f"{LISTS}{row.pk}/change/", {**fields(row), **told})
    row.refresh_from_db()
    return answer


def page(desk: Client, row: NotePolicy) -> str:
    answer = desk.get(f"{LISTS}{row.pk}/change/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def number(row: NotePolicy, code: str) -> int:
    """The place of a rule in the form."""
    return [one["code"] for one in row.definition["rules"]].index(code)


class TestWhoMay:
    def test_a_supervisor_reads_what_it_says_and_edits_nothing(
        self, first: NotePolicy, draft: NotePolicy
    ) -> None:
        reader = at_desk(person(Role.SUPERVISOR))
        for row in (first, draft):
            text = page(reader, row)
            for told in ("RCW 26.44.030", "the author has been a responder", "90 days", "48 h"):
                assert told in text
            assert "to be confirmed by counsel" in text
            assert "rule-0-code" not in text
        assert "/do/confirm/" not in reader.get(LISTS).content.decode()
        assert reader.post(f"{LISTS}{draft.pk}/change/", fields(draft)).status_code == 403
        assert reader.post(f"{LISTS}{draft.pk}/do/confirm/", {}).status_code == 403

    def test_nobody_else_sees_it(self, first: NotePolicy) -> None:
        assert at_desk(person(Role.DISPATCHER)).get(LISTS).status_code == 403

    def test_a_version_in_force_is_read_and_not_edited(
        self, desk: Client, first: NotePolicy
    ) -> None:
        assert "rule-0-code" not in page(desk, first)
        press(desk, first, citation="Other words.")
        assert (first.citation, first.definition) == (SHIPPED.citation, SHIPPED.definition)


class TestWhatIsSaved:
    def test_a_new_one_is_made_of_it_and_has_its_day(
        self, desk: Client, administrator: User, draft: NotePolicy
    ) -> None:
        assert draft.made_by == administrator
        assert draft.effective_from == (NOON + timedelta(days=30)).replace(minute=0)
        sample, new = number(draft, "sample"), number(draft, "new_responder")
        answer = press(
            desk,
            draft,
            version="2026-second",
            citation="Clinical council of 2026-03-02.",
            **{f"rule__{sample}__percent": "12.5", f"rule__{new}__days": "60"},
            interval__child_report__hours="24",
            act__high__done_by=["stayed"],
            act__low__words="Offer the number of the 988 line.",
        )
        assert answer.status_code == 302
        assert draft.citation == "Clinical council of 2026-03-02."
        told = policies.read(draft.definition)
        rules = {rule.code: rule for rule in told.rules}
        assert (rules["sample"].percent, rules["new_responder"].days) == (12.5, 60)
        [report] = [one for one in told.intervals if one.code == "child_report"]
        assert (report.hours, report.citation) == (24, "RCW 26.44.030 (1)(g)")
        acts = {act.risk: act for act in told.acts}
        assert acts["high"].done_by == ("stayed",)
        assert acts["low"].words == "Offer the number of the 988 line."
        entry = Entry.objects.get(subject_type="note_policy", action="update")
        assert entry.subject_ids == [draft.pk]

    def test_what_a_version_says_is_what_its_form_shows_and_saves(
        self, desk: Client, draft: NotePolicy
    ) -> None:
        """To the sign, an interval of no hours among it: tablets hold the definition."""
        before = draft.definition
        assert press(desk, draft).status_code == 302
        assert draft.definition == before == SHIPPED.definition

    def test_rules_come_and_go(self, desk: Client, draft: NotePolicy) -> None:
        free = len(draft.definition["rules"])
        row = f"rule__{free}__"
        new = {"code": "minors", "label": "A minor", "kind": "review", "sign": "minor"}
        added = {f"{row}{name}": told for name, told in new.items()}
        gone = {f"rule__{number(draft, 'death')}__DELETE": "on"}
        assert press(desk, draft, **added, **gone).status_code == 302
        told = policies.read(draft.definition)
        assert told.rule("death") is None
        assert told.rules[-1].sign == "minor"
        assert len(told.rules) == free

    def test_what_is_left_empty_is_not_asked_for(self, desk: Client, draft: NotePolicy) -> None:
        empty = dict.fromkeys(("label", "hours", "citation", "read"), "")
        changed = {f"interval__death_notice__{name}": told for name, told in empty.items()}
        assert press(desk, draft, **changed, act__none__words="Say goodbye.",
                     act__none__citation="SOP 2").status_code == 302  # fmt: skip
        told = policies.read(draft.definition)
        assert told.interval("death_notice") is None
        assert len(told.intervals) == 3
        added = told.act("none")
        assert added is not None
        assert added.words == "Say goodbye."

    def test_the_form_has_a_field_for_each_word_of_a_policy(self) -> None:
        for form, part in (
            (RuleForm, policies.Rule),
            (IntervalForm, policies.Interval),
            (ActForm, policies.Act),
        ):
            assert form.base_fields.keys() == part.__dataclass_fields__.keys() - {form.NAMED}

    def test_a_policy_from_nothing(self, desk: Client) -> None:
        assert desk.get(f"{LISTS}add/").status_code == 200
        sent = {
            **fields(NotePolicy(version="2027", citation="Agreed.")),
            "effective_from_0": "2099-01-01",
            "effective_from_1": "00:00",
        }
        assert desk.post(f"{LISTS}add/", sent).status_code == 302
        made = NotePolicy.objects.get(version="2027")
        assert made.definition == {"rules": [], "intervals": [], "acts": []}


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("field", "typed", "mend"),
        [
            ("rule-0-code", "Two words", "A short name"),
            ("rule-0-risks", [], "Name at least one"),
            ("rule-1-days", "5", "Is not for a rule of this sign."),
            ("rule-4-days", "soon", "From 1 to 3650 days."),
            ("rule-9-percent", "101", "From 0 to 100 percent."),
            ("rule-0-kind", "", "One of co_signature, review."),
            ("rule-0-sign", "weather", "Select a valid choice"),
            ("interval-child_report-hours", "", "From 0 to 8760 hours."),
            ("interval-own_consent-age", "thirteen", "From 1 to 21 years."),
            ("interval-own_consent-citation", " ", "Is needed."),
            ("act-low-words", "", "Is needed."),
            ("act-high-done_by", ["prayer"], "Select a valid choice"),
        ],
    )
    def test_stands_beside_its_field_and_what_was_typed_stays(
        self, desk: Client, draft: NotePolicy, field: str, typed: Any, mend: str
    ) -> None:
        answer = press(desk, draft, **{field.replace("-", "__"): typed}, citation="Because.")
        form = answer.context["adminform"].form
        prefix, _, name = field.rpartition("-")
        shown = {one.prefix: one for part in form.parts.values() for one in part}
        assert mend in str(shown[prefix].errors[name])
        assert {p for p, one in shown.items() if one.errors} == {prefix}
        assert form["citation"].value() == "Because."
        text = answer.content.decode()
        assert f'id="id_{field}_error"' in text
        assert "Something is wrong with" in text
        assert draft.citation != "Because."

    def test_is_told_at_once_above_the_parts_and_in_them(
        self, desk: Client, draft: NotePolicy
    ) -> None:
        answer = press(desk, draft, effective_from_0="2020-01-01", rule__9__percent="many")
        form = answer.context["adminform"].form
        assert "effective_from" in form.errors
        assert "percent" in form.rules.forms[9].errors
        for field in ("version", "effective_from_0", "citation", "rule-0-code"):
            assert f'name="{field}"' in answer.content.decode(), "it does not close the form"

    def test_a_form_that_lost_its_rules_saves_none_away(
        self, desk: Client, draft: NotePolicy
    ) -> None:
        sent = {name: told for name, told in fields(draft).items() if "rule" not in name}
        answer = desk.post(f"{LISTS}{draft.pk}/change/", sent)
        assert "The rules were not sent." in answer.content.decode()
        draft.refresh_from_db()
        assert draft.definition == SHIPPED.definition


class TestConfirming:
    def test_asks_whose_word_it_is_and_keeps_who_put_it_down(
        self, desk: Client, administrator: User, first: NotePolicy
    ) -> None:
        address, words = f"{LISTS}{first.pk}/do/confirm/", "Dr. Lee, memo of 2026-03-01."
        for offering in (LISTS, f"{LISTS}{first.pk}/change/"):
            assert address in desk.get(offering).content.decode()
        assert desk.post(address, {"apply": "1", "confirmation": ""}).status_code == 200
        assert desk.post(address, {"apply": "1", "confirmation": words}).status_code == 302
        first.refresh_from_db()
        assert (first.confirmed_by, first.confirmed_at) == (administrator, NOON)
        entry = Entry.objects.get(subject_type="note_policy", action="confirm")
        assert (entry.actor_id, entry.reason) == (administrator.pk, words)
        text = page(desk, first)
        assert words in text
        assert "to be confirmed" not in text
        assert address not in text
