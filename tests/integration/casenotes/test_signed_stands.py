"""A signed note cannot be changed by any path, and a change past all of them is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass
from io import StringIO
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import ProtectedError
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.accounts.models import User
from apps.casenotes.content import content_hash
from apps.casenotes.models import CaseNote, NoteAuthor, NoteState, Signature
from apps.casenotes.services import lock_due
from apps.changes import scopes
from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import Document, publish
from apps.core.problems import ProblemError
from apps.sync.models import Choice, Conflict, Version
from apps.sync.services import versions
from tests import kept
from tests.integration.assignments.conftest import begun, shown
from tests.integration.casenotes.conftest import (
    MET,
    NOON,
    Crew,
    World,
    after,
    note_on,
    on_a_call,
    place,
)
from tests.pushing import commit_now

Role = Callable[[], AbstractContextManager[None]]

# What SQL can try, with the rights of the application or of the owner of the tables.
ATTEMPTS = (
    """update casenotes_casenote set state = 'draft', content = 'x', signed_hash = '',
    signed_at = null, signed_by_id = null, lock_due_at = null""",
    "update casenotes_casenote set content = 'x'",
    "update casenotes_casenote set signed_hash = repeat('0', 64)",
    "update casenotes_casenote set signed_at = now()",
    "update casenotes_casenote set encounter_id = gen_random_uuid()",
    "update casenotes_casenote set restricted = not restricted",
    "update casenotes_casenote set flags = '[\"x\"]'",
    "update casenotes_casenote set id = gen_random_uuid()",
    "delete from casenotes_casenote",
    """insert into casenotes_signature (id, note_id, author_id, content_hash, content, authors,
    received_at, flags) select gen_random_uuid(), note_id, author_id, repeat('0', 64), 'x',
    authors, received_at, flags from casenotes_signature""",
    "update casenotes_noteauthor set parts = 'x'",
    "update casenotes_noteauthor set last_at = now()",
    """update casenotes_noteauthor set author_id =
    (select id from accounts_user where id <> author_id limit 1)""",
    "update casenotes_noteauthor set note_id = gen_random_uuid()",
    "delete from casenotes_noteauthor",
    """insert into casenotes_noteauthor (id, note_id, author_id, first_at, last_at, parts)
    select gen_random_uuid(), note_id, (select id from accounts_user where id <> author_id limit 1),
    first_at, last_at, parts from casenotes_noteauthor""",
)
TO_APPEND_ONLY = (
    "update casenotes_signature set content = 'x'",
    "update casenotes_signature set content_hash = repeat('0', 64)",
    "delete from casenotes_signature",
    "update casenotes_addendum set text = 'x'",
    "delete from casenotes_addendum",
)


@dataclass(frozen=True)
class Signed:
    """The crew of a call whose note is signed and has an addendum."""

    world: World
    crew: Crew


def sign(world: World) -> Signed:
    crew = on_a_call(world)
    crew.met(world)
    crew.first.write(crew.call, **MET)
    assert crew.first.sign(crew.call) == []
    assert crew.first.add(crew.call, "The day center called.") == []
    return Signed(world, crew)


@pytest.fixture(scope="module")
def kept_signed(
    kept_world: dict[str, Any] | None, django_db_blocker: DjangoDbBlocker
) -> Signed | None:
    """One whose rows are kept for all tests of this module; None where that cannot be."""
    if kept_world is None:
        return None
    with django_db_blocker.unblock():
        made = sign(begun(kept_world, commit_now))
        kept.keep("signed")
    return made


@pytest.fixture
def made(kept_signed: Signed | None, db: None) -> Signed:
    if kept_signed is None:
        return sign(begun(None, commit_now))
    kept.put("signed")
    return deepcopy(kept_signed)


@pytest.fixture
def world(made: Signed) -> World:
    return made.world


@pytest.fixture
def crew(made: Signed) -> Crew:
    return made.crew


@pytest.fixture
def signed(crew: Crew) -> CaseNote:
    """The note, with its addendum."""
    return note_on(crew.call)


@pytest.fixture
def stands(signed: CaseNote) -> Callable[[], None]:
    """Looks whether everything is as it was signed."""

    def look() -> None:
        row = CaseNote.objects.get(pk=signed.pk)
        assert (row.state, row.signed_hash) == (signed.state, signed.signed_hash)
        [signature] = row.signatures.all()
        assert signature.content["narrative"] == MET["narrative"]
        call_command("verify_notes", stdout=StringIO())

    return look


def attempt(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ATTEMPTS)
def test_sql_of_the_applications_role(
    stands: Callable[[], None], application_role: Role, statement: str
) -> None:
    with pytest.raises(ProgrammingError), application_role():
        attempt(statement)
    stands()


@pytest.mark.parametrize("statement", [*TO_APPEND_ONLY, "truncate casenotes_signature cascade"])
def test_the_application_has_no_right_to_change_what_was_signed(
    stands: Callable[[], None], application_role: Role, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), application_role():
        attempt(statement)
    stands()


@pytest.mark.parametrize("statement", [*ATTEMPTS, *TO_APPEND_ONLY])
def test_sql_of_the_owner_of_the_tables(stands: Callable[[], None], statement: str) -> None:
    with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
        attempt(statement)
    stands()


def test_the_application_can_do_its_work(world: World, crew: Crew, application_role: Role) -> None:
    another = world.given()
    with application_role():
        crew.first.write(another, outcome="cancelled")
        crew.first.sign(another)
        crew.second.add(another, "Called back.")
    assert note_on(another).state == NoteState.SIGNED


class TestTheShell:
    def test_saving_the_row(self, signed: CaseNote, stands: Callable[[], None]) -> None:
        changes: list[dict[str, Any]] = [
            {"state": NoteState.DRAFT},
            {"content": {"narrative": "Somebody else's words."}},
            {"signed_hash": "0" * 64},
            {"signed_at": after(99)},
            {"missing": 0, "asked": 9},
            {"state": NoteState.LOCKED, "locked_at": after(1), "signed_hash": "0" * 64},
        ]
        for change in changes:
            row = CaseNote.objects.get(pk=signed.pk)
            for name, value in change.items():
                setattr(row, name, value)
            with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
                row.save()
        stands()

    def test_deleting_it(self, signed: CaseNote, stands: Callable[[], None]) -> None:
        for rows in (Signature.objects.all(), CaseNote.objects.all()):
            refusals = (ProgrammingError, ProtectedError)
            with pytest.raises(refusals), transaction.atomic():
                rows.delete()
        stands()

    def test_changing_a_signature(self, signed: CaseNote, stands: Callable[[], None]) -> None:
        row = signed.signatures.get()
        row.content = {**row.content, "narrative": "Somebody else's words."}
        with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
            row.save()
        stands()

    def test_adding_a_signature_for_another_text(
        self, signed: CaseNote, stands: Callable[[], None]
    ) -> None:
        content = {**signed.signatures.get().content, "narrative": "Somebody else's words."}
        with pytest.raises(ProgrammingError, match="another text"), transaction.atomic():
            Signature.objects.create(
                note=signed,
                author=signed.signed_by,
                content=content,
                content_hash=content_hash(content),
                authors=[],
                received_at=NOON,
            )
        stands()

    def test_a_lock_only_goes_forward(self, signed: CaseNote, stands: Callable[[], None]) -> None:
        row = CaseNote.objects.get(pk=signed.pk)
        row.state, row.locked_at = NoteState.LOCKED, after(9)
        row.save()
        for state, at in ((NoteState.SIGNED, None), (NoteState.LOCKED, after(10))):
            row.state, row.locked_at = state, at
            with pytest.raises(ProgrammingError), transaction.atomic():
                row.save()

    def test_a_note_is_not_signed_without_a_signature(self, world: World, crew: Crew) -> None:
        another = world.given()
        crew.first.write(another, outcome="cancelled")
        row = note_on(another)
        row.state, row.content = NoteState.SIGNED, None
        row.signed_hash, row.signed_at, row.lock_due_at = "0" * 64, NOON, NOON
        row.signed_by = crew.first.user
        with pytest.raises(ProgrammingError, match="by a signature"), transaction.atomic():
            row.save()

    def test_changing_who_wrote_it(self, crew: Crew, stands: Callable[[], None]) -> None:
        for row in note_on(crew.call).authors.all():
            row.parts = [*row.parts, "retry_plan"]
            with pytest.raises(ProgrammingError, match="authors"), transaction.atomic():
                row.save()
        stands()

    def test_adding_somebody_who_wrote_it(
        self, crew: Crew, signed: CaseNote, stands: Callable[[], None]
    ) -> None:
        mine = {"author": crew.second.user, "first_at": NOON, "last_at": NOON}
        with pytest.raises(ProgrammingError, match="authors"), transaction.atomic():
            NoteAuthor.objects.create(note=signed, parts=["narrative"], **mine)
        stands()


def test_who_wrote_it_is_shown_by_the_name_that_was_signed(
    world: World, crew: Crew, client: Client
) -> None:
    signed_as = crew.first.user.display_name
    User.objects.filter(pk=crew.first.user.pk).update(display_name="Somebody Else")
    lock_due(now=after(40 * 86_400))
    world.commit()
    [told] = shown(world.ours.tablets[0], "case_notes")[note_on(crew.call).pk]["authors"]
    assert (told["name"], told["id"]) == (signed_as, str(crew.first.user.pk))
    client.force_login(world.supervisor, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/casenotes/casenote/{note_on(crew.call).pk}/change/")
    assert signed_as in page.content.decode()


class TestTheAPI:
    def test_a_push(self, crew: Crew, stands: Callable[[], None]) -> None:
        [answer] = crew.first.write(crew.call, narrative="Other words.", now=after(5))
        assert answer["sync_errors"] == [
            "/: This note is signed. What you typed is kept: it can be made an addendum."
        ]
        stands()

    def test_a_deletion(self, crew: Crew, stands: Callable[[], None]) -> None:
        id = place(crew.call)[1]
        gone = {**crew.first.believed[id], "_deleted": True, "edit_no": 10**6}
        [answer] = crew.first.push("case_notes", gone, base=crew.first.believed[id])
        assert answer["_deleted"] is False
        stands()

    def test_a_version_that_is_put_back(
        self, world: World, crew: Crew, stands: Callable[[], None], client: Client
    ) -> None:
        version = Version.objects.filter(doc_id=place(crew.call)[1]).earliest("pk")
        client.force_login(world.supervisor, backend="django.contrib.auth.backends.ModelBackend")
        address = f"/api/v1/sync/case_notes/{version.doc_id}/versions/{version.pk}/restore"
        answer = client.post(address)
        assert answer.status_code in {200, 409}
        stands()

    def test_a_conflict_that_is_settled_the_other_way(
        self, world: World, crew: Crew, stands: Callable[[], None]
    ) -> None:
        version = Version.objects.filter(doc_id=place(crew.call)[1]).earliest("pk")
        conflict = Conflict.objects.create(
            collection="case_notes",
            doc_id=version.doc_id,
            version=version.pk,
            author=crew.first.user,
            tablet=crew.first.tablet.tablet,
            at=NOON,
            fields=["narrative"],
            won={"narrative": "x"},
            kept={"narrative": "Somebody else's words."},
        )
        with pytest.raises(ProblemError) as raised:
            versions.settle_conflict(
                conflict=conflict, choice=Choice.KEPT, by=world.supervisor, now=after(9)
            )
        assert raised.value.status_code == 409
        stands()


class TestAChangePastAllOfThem:
    def test_of_what_is_sent_is_found(self, signed: CaseNote, world: World) -> None:
        """The document that tablets are sent can be published anew by whoever runs our code."""
        body = {"id": str(signed.pk), "narrative": "Somebody else's words.", "state": "signed"}
        to = frozenset({scopes.team(world.team.pk)})
        with transaction.atomic():
            publish(documents=[Document("case_notes", signed.pk, to, body)], now=NOON)
        said = StringIO()
        with pytest.raises(CommandError):
            call_command("verify_notes", stdout=StringIO(), stderr=said)
        assert "what is sent is not what was signed" in said.getvalue()
        assert "Somebody" not in said.getvalue()

    def test_of_what_is_stored_is_found(self, signed: CaseNote) -> None:
        """An administrator of the database can take the trigger off."""
        row = signed.signatures.get()
        row.content = {**row.content, "narrative": "Somebody else's words."}
        with connection.cursor() as cursor:
            cursor.execute("alter table casenotes_signature disable trigger user")
        row.save()
        said = StringIO()
        with pytest.raises(CommandError):
            call_command("verify_notes", stdout=StringIO(), stderr=said)
        assert "what was signed is not what the signature names" in said.getvalue()

    def test_of_who_wrote_it_is_found(self, crew: Crew, signed: CaseNote) -> None:
        with connection.cursor() as cursor:
            cursor.execute("alter table casenotes_noteauthor disable trigger user")
        signed.authors.update(author=crew.second.user)
        said = StringIO()
        with pytest.raises(CommandError):
            call_command("verify_notes", stdout=StringIO(), stderr=said)
        assert "its authors are not those that were signed" in said.getvalue()

    def test_of_who_is_said_to_have_written_it_is_found(
        self, world: World, crew: Crew, signed: CaseNote
    ) -> None:
        """What is sent says so too."""
        stored = StoredDocument.objects.get(collection="case_notes", doc_id=signed.pk)
        plain = body_of("case_notes", signed.pk, bytes(stored.body))
        assert plain is not None
        body = orjson.loads(plain)
        body["authors"][0]["id"] = str(crew.second.user.pk)
        to = frozenset({scopes.team(world.team.pk)})
        with transaction.atomic():
            publish(documents=[Document("case_notes", signed.pk, to, body)], now=NOON)
        said = StringIO()
        with pytest.raises(CommandError):
            call_command("verify_notes", stdout=StringIO(), stderr=said)
        assert "the authors that are sent are not those that were signed" in said.getvalue()

    def test_all_is_well(self, signed: CaseNote) -> None:
        said = StringIO()
        call_command("verify_notes", stdout=said)
        assert said.getvalue().strip() == "1 signed notes, 0 not as they were signed."
