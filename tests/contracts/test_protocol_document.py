"""docs/protocol.md says what the code does: whoever adds a word of the protocol describes it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from apps.assignments import codes, documents, records, schemas
from apps.assignments.timeline import fields
from apps.casenotes import schemas as casenotes
from apps.core.problems import Problem
from apps.dispatch import desk
from apps.dispatch.codelists import code_lists
from apps.dispatch.referencekinds import ReferenceKind, reference_kinds
from apps.firstaid import codes as firstaid_codes
from apps.firstaid import schemas as firstaid
from apps.followups import codes as followup_codes
from apps.followups import schemas as followups
from apps.live.messages import Code
from apps.people import schemas as people
from apps.referrals import schemas as referrals
from apps.referrals.directory import codes as directory_codes
from apps.referrals.directory import schemas as directory
from apps.sync import policies, registry
from apps.sync.collections import QUARANTINE
from tests.guards import guards
from tests.names import exists

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
QUOTED = frozenset(re.findall(r"`([^`\n]+)`", TEXT))
# Also the names within `{a, b}`: the members of objects.
MEMBERS = {member for quote in QUOTED for member in re.findall(r"[a-z_]+", quote)}


def section(number: int) -> str:
    """The text of one numbered section."""
    return TEXT.split(f"\n## {number}. ")[1].split("\n## ")[0]


def cells(number: int) -> list[list[str]]:
    """The rows of a section's tables."""
    lines = [line for line in section(number).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def rows(number: int) -> dict[str, list[str]]:
    """The rows of a section's tables: the first cell without its quotes, then the others."""
    return {first.strip("`"): rest for first, *rest in cells(number)}


def problems() -> list[Problem]:
    """The whole catalogue: `problems` of the core and of each room that has its own."""
    rooms = sorted(file.parent.name for file in ROOT.glob("apps/*/problems.py"))
    modules = [import_module(f"apps.{room}.problems") for room in rooms]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, Problem)}
    assert len(found) > 15
    return sorted(found, key=lambda problem: (problem.status, problem.code))


def test_every_collection_is_described() -> None:
    told = rows(4)
    for audience in ("tablet", "desk"):
        for collection in registry.all_for(audience):  # type: ignore[arg-type]
            kind, readers, _ = told[collection.name]
            assert kind == collection.kind
            assert f"{audience}s" in readers


def test_every_kind_of_fact_is_described() -> None:
    assert set(registry.fact_kinds()) <= QUOTED


@pytest.mark.parametrize(
    "schema",
    [
        *(schemas.ASSIGNMENT, schemas.FACT, schemas.ALERT, QUARANTINE.schema),
        *(people.ENCOUNTER, people.PERSON, firstaid.DOSE, firstaid.AID),
        *(firstaid.ANSWER, firstaid.MOVEMENT),
        *directory.FACTS.values(),
        *(casenotes.CASE_NOTE, casenotes.SIGNATURE, casenotes.ADDENDUM),
        *(referrals.REFERRAL, referrals.CONSENT, referrals.ANSWER, referrals.REVOCATION),
        referrals.DISCLOSURE_FACT,
        *(followups.FOLLOW_UP, followups.EVENT, followups.AGREEMENT),
        desk.SCHEMA,
    ],
    ids=lambda schema: schema.get("title", "quarantine"),
)
def test_every_field_of_a_document_is_described(schema: dict[str, Any]) -> None:
    assert set(schema["properties"]) <= MEMBERS


@pytest.mark.parametrize("kind", reference_kinds(), ids=lambda kind: kind.name)
def test_every_kind_of_reference_is_described(kind: ReferenceKind) -> None:
    assert f"kind: {kind.name}" in QUOTED
    assert set(kind.properties) <= MEMBERS


def test_how_each_field_is_put_together_is_told() -> None:
    columns = (policies.union, policies.append_only, policies.text)
    told = rows(6)
    for collection in registry.all_for("tablet"):
        if collection.merging is None:
            continue
        known = {name: p for name, p in collection.merging.policies.items() if p != policies.scalar}
        sets, lists, texts, objects = (
            set(re.findall(r"`(\w+)`", cell)) for cell in told[collection.name]
        )
        for names, policy in zip((sets, lists, texts), columns, strict=True):
            assert names - {"photos"} == {n for n in known if known[n] is policy} - {"photos"}
        assert objects == {n for n in known if known[n] not in columns}


@pytest.mark.parametrize("event", codes.EVENTS)
def test_every_event_is_described_with_its_data(event: str) -> None:
    _, told_by, data = rows(13)[event]
    assert set(told_by.split(", ")) == codes.EVENTS[event].told_by
    known = fields.FIELDS[event]
    assert set(re.findall(r"`(\w+)`", data)) == set(known)
    expected = {name for name, field in known.items() if field.expected}
    assert set(re.findall(r"\*\*`(\w+)`\*\*", data)) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("AGENCIES", "SECURED_BY", "RELEASE_DECIDED_BY", "CANCELLED_BY", "ENTRY_KINDS"),
        *("RESPONDER_STARTED", "DECLINE_REASONS", "CORRECTION_REASONS", "UNIT_STATUSES"),
        *("STATES", "CLOSINGS", "SOURCES"),
    ],
)
def test_every_code_is_described(name: str) -> None:
    assert set(getattr(codes, name)) <= QUOTED


def test_every_word_of_first_aid_is_described() -> None:
    assert set(firstaid_codes.FLAGS) <= QUOTED
    assert set(firstaid_codes.QUESTIONS) <= QUOTED
    assert set(firstaid_codes.MOVEMENTS) <= QUOTED


def test_every_word_of_the_directory_is_described() -> None:
    words = (directory_codes.FLAGS, directory_codes.STEPS, directory_codes.REACHES)
    assert {word for known in words for word in known} <= QUOTED
    assert {*directory_codes.DIRECTIONS} <= QUOTED


def test_every_word_of_follow_ups_is_described() -> None:
    known = (followup_codes.EVENTS, followup_codes.WAYS, followup_codes.FLAGS)
    assert {word for words in known for word in words} <= QUOTED


def test_every_code_list_and_alarm_is_described() -> None:
    assert {code_list.name for code_list in code_lists()} <= QUOTED
    assert set(documents.AT_WHOM) <= QUOTED


def test_every_flag_is_described() -> None:
    assert {*codes.FLAGS, records.NOT_HERE_YET} <= set(rows(13))


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: problem.code)
def test_every_problem_is_described_with_what_to_do(problem: Problem) -> None:
    status, *_, client = rows(10)[problem.code]
    assert status == str(problem.status)
    assert client


@pytest.mark.parametrize("code", Code)
def test_every_close_code_is_described_with_what_to_do(code: Code) -> None:
    meaning, client = rows(7)[str(code.value)]
    assert f"`{code.name}`" in meaning
    assert client


def test_every_limit_is_the_codes() -> None:
    told = rows(18)
    del told["what"], told["---"]
    assert told
    for what, (value, place) in told.items():
        name = place.strip("`")
        if name.startswith("settings."):
            known = getattr(settings, name.removeprefix("settings."))
        else:
            known = import_string(name)
        if isinstance(known, timedelta):
            known = known.total_seconds()
        assert float(value.replace(",", "")) == known, what


def test_every_test_that_is_named_exists() -> None:
    named = named_tests(TEXT)
    assert len(named) > 30
    assert [test for test in named if not exists(test)] == []


def named_tests(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py(?:::\w+)*)`", text)


def test_every_guarantee_names_its_guards_and_the_tests_that_fail_without_them() -> None:
    told, of = [], ""
    for first, _, guard, tests in cells(19):
        if guard not in {"guard taken out", "---"}:
            of = first or of
            told.append((of, guard, named_tests(tests)))
    assert told == [(g.of, f"{g.what} (`{g.file}`)", list(g.tests)) for g in guards()]


def test_every_example_is_json_and_the_fact_is_valid() -> None:
    examples = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    pushed = next(one for one in examples if isinstance(one, list) and one)
    document = pushed[0]["newDocumentState"]
    jsonschema.Draft202012Validator(schemas.FACT).validate(document)
    assert fields.problems_of(document["event"], document["data"]) == []


def test_every_link_within_the_page_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
