"""What supervisors look at: rows that their lists show, and the looks. Steps of `bench.prepare`.

The newest rows are whole, sealed as the services seal them, since pages open them; they are written
in bulk, because nobody's tablet is to hear of them.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import create_partner
from apps.assignments.models import Alert, Assignment, Fact
from apps.audit.admin import RoleAdmin
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.casenotes.models import CaseNote, EncounterRecord, NoteAuthor, Review, Signature
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch.models import Incident
from apps.firstaid.models import FirstAidLog, NaloxoneDose
from apps.followups.models import FollowUp
from apps.people.models import Encounter, Person
from apps.referrals.models import Referral, ReferralTask
from bench.signing import NOTE

# Calls of the person whose story is looked at.
_MET: Final = 15
_SHOWN: Final = 60  # rows of a list, and some
_LONG_AGO: Final = 36_500  # days: before all that there is
_NEEDS: Final = {"needs": ["homelessness"], "note": "A bed for tonight."}
# Models whose rows grow with the work: their lists are measured. Of all others it is asked that
# they answer.
_GROWING: Final = frozenset(
    {Incident, Assignment, Fact, Alert, Encounter, Person, CaseNote, Review, EncounterRecord}
    | {NaloxoneDose, FirstAidLog, Referral, ReferralTask, FollowUp, Entry}
)


def told_of(supervisor: str, author: str, team: str) -> dict[str, Any]:
    """Of every call that there is: a person, a signed note with its review, a record, an alert, a
    referral that waits, a follow-up."""
    by, now = User.objects.get(pk=author), clock.now()
    _, partner = create_partner(name="Bench shelter", by=SYSTEM, now=now)
    met = list(Encounter.objects.order_by("opened_at"))
    persons = [
        Person(created_at=row.opened_at, created_by=by.pk, content={"given_name": f"P{number}"})
        for number, row in enumerate(met)
    ]
    Person.objects.bulk_create(persons)
    for number, row in enumerate(met):
        named = persons[0] if number < _MET else persons[number]
        row.person_id, row.match = named.pk, "confirmed"
    Encounter.objects.bulk_update(met, ["person_id", "match"])
    told: dict[type[Any], list[Any]] = {}
    for row in met:
        for one in _of(row, by, team):
            told.setdefault(type(one), []).append(one)
    with transaction.atomic():
        # Nobody becomes an author of a note that is signed: they are there before it.
        NoteAuthor.objects.bulk_create(told.pop(NoteAuthor))
        for model, rows in told.items():
            model.objects.bulk_create(rows)
    tasks = [
        ReferralTask(
            referral=row, partner=partner, status="requested", status_at=row.created_at,
            asked_at=row.created_at, asked_by=by, sent_at=row.created_at, awaits="answer",
            clock_from=row.created_at,
        )
        for row in told[Referral]
    ]  # fmt: skip
    ReferralTask.objects.bulk_create(tasks)
    return {"met": len(met)}


def _of(row: Encounter, by: User, team: str) -> list[Any]:
    at, place = row.opened_at, {"assignment_id": row.assignment_id}
    note = CaseNote(
        encounter_id=row.pk, **place, state="locked", begun_at=at, saved_at=at, asked=5,
        signed_hash="0" * 64, signed_at=at, signed_by=by, lock_due_at=at, locked_at=at,
    )  # fmt: skip
    due = {"due_from": at, "due_until": at + timedelta(days=1)}
    return [
        note,
        NoteAuthor(note=note, author=by, first_at=at, last_at=at, parts=["narrative"]),
        Signature(
            note=note, author=by, received_at=at, content_hash="0" * 64, content=NOTE,
            authors=[{"id": str(by.pk), "name": by.display_name, "parts": ["narrative"]}],
        ),
        Review(note=note, asked_at=at, reasons=["sample"]),
        EncounterRecord(id=row.pk, **place, cleared_at=at, owed_by=[by.pk]),
        Alert(kind="assist", **place, unit_id=by.crews.get().unit_id, raised_at=at, level=2),
        Referral(
            **place, encounter_id=row.pk, urgency="tonight", created_at=at, created_by=by,
            content=_NEEDS,
        ),
        FollowUp(
            id=uuid7(), **place, encounter_id=row.pk, purpose="check_in", way="visit",
            team_id=team, created_at=at, created_by=by, content={"note": "By the ramp."},
            first_from=due["due_from"], first_until=due["due_until"], **due,
        ),
    ]  # fmt: skip


def reseal() -> dict[str, Any]:
    """Old rows are copies, which hold what was sealed for the place of another. Those that a
    narrowed list shows are written whole."""
    # What was decided stands, so these are new rows, the oldest of all.
    oldest = list(Review.objects.filter(state="accepted").order_by("asked_at")[:_SHOWN])
    reviews = Review.objects.bulk_create(
        Review(
            note_id=row.note_id, state="accepted", reasons=["sample"], reviewer_id=row.reviewer_id,
            asked_at=row.asked_at - timedelta(days=_LONG_AGO), decided_at=row.decided_at,
        )
        for row in oldest
    )  # fmt: skip
    referrals = Referral.objects.filter(closed_at__isnull=False).order_by("-created_at")[:_SHOWN]
    for referral in referrals:
        referral.content = _NEEDS
        referral.save(update_fields=["content"])
    return {"rows": len(reviews) + len(referrals)}


def looks(supervisor: str, times: int) -> dict[str, Any]:
    """Each page so many times, and each list a third of that by each choice of its filters: {name:
    {statements, milliseconds, narrows}}; `narrows` is the list, or null. A page that does not
    answer is an error, and so is one that does not ask the same each time."""
    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    user = User.objects.get(pk=supervisor)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    found = {name: _looked(client, address, times) for name, address in _measured(user).items()}
    for model in _lists(user) & _GROWING:
        for chosen, query in _choices(model, user).items():
            one = _looked(client, f"{_list_of(model)}?{query}", times // 3)
            found[f"{_called(model)}: {chosen}"] = {**one, "narrows": _called(model)}
    for model in _lists(user) - _GROWING:
        _look(client, _list_of(model))
    return found


def _looked(client: Client, address: str, times: int) -> dict[str, Any]:
    _look(client, address)  # what is asked once, and planned anew, is not of every day
    counted = [_look(client, address) for _ in range(times)]
    statements = {n for n, _ in counted}
    if len(statements) > 1:
        raise RuntimeError(f"{address} asks now {sorted(statements)} statements.")
    return {
        "statements": statements.pop(),
        "milliseconds": [1000 * seconds for _, seconds in counted],
        "narrows": None,
    }


def _measured(user: User) -> dict[str, str]:
    """The addresses of the pages that are measured, by what they are called."""
    of_today = Encounter.objects.filter(opened_at__gt=clock.now() - timedelta(days=1))
    met = of_today.filter(match="confirmed").earliest("opened_at")
    assert met.person_id is not None
    stories = {"person": met.person_id, "encounter": met.pk, "assignment": met.assignment_id}
    return {
        "home": reverse("admin:index"),
        "home's tiles": reverse("cockpit_aside"),
        "board": reverse("cockpit_picture"),
        **{
            _called(model): _list_of(model)
            for model in sorted(_lists(user) & _GROWING, key=lambda one: one.__name__)
        },
        **{
            f"story of the {name}": reverse(f"cockpit_{name}_story", args=[id])
            for name, id in stories.items()
        },
    }


def _choices(model: type[Model], user: User) -> dict[str, str]:
    """What a list can be narrowed by: {what was chosen: its query}."""
    request = RequestFactory().get("/")
    request.user = user
    page: Any = admin.site.get_model_admin(model)
    changelist = page.get_changelist_instance(request)
    return {
        f"{filtered.title}, {choice['display']}": choice["query_string"].removeprefix("?")
        for filtered in changelist.filter_specs
        for choice in filtered.choices(changelist)
        if not choice["selected"]
    }


def _called(model: type[Model]) -> str:
    return f"list of {model._meta.verbose_name_plural}"


def _lists(user: User) -> set[type[Model]]:
    """The models whose lists this person may open."""
    shown = [model for model in apps.get_models() if admin.site.is_registered(model)]
    pages = {model: admin.site.get_model_admin(model) for model in shown}
    return {
        model
        for model, page in pages.items()
        if isinstance(page, RoleAdmin) and user.role in page.VIEW
    }


def _list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _look(client: Client, address: str) -> tuple[int, float]:
    """How many statements a page asked, and how many seconds it took."""
    count = 0

    def counting(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        began = time.perf_counter()
        answer = client.get(address)
        _ = answer.content
        seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}.")
    return count, seconds
