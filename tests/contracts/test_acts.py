"""What a desk does with a record: each act, the page that offers it, the verb that does it, and the
entry that it leaves in the audit log. The table is walked through the admin, as somebody acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client

from apps.accounts.models import Role, User
from apps.accounts.services import user_actor
from apps.assignments import services as assignments
from apps.assignments.models import Assignment
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.casenotes.models import Review
from apps.changes import epochs
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch import services as dispatch
from apps.dispatch.calls import EXCLUSIONS
from apps.dispatch.models import Shift
from apps.people import services as people
from apps.people.models import Person
from apps.sync.models import Conflict, QuarantinedWrite, SetbackClaim
from apps.sync.services import setbacks
from apps.webhooks import services as webhooks
from apps.webhooks.models import Delivery, Endpoint, EndpointState
from tests.factories import partner, person
from tests.integration.assignments.conftest import World, after, world
from tests.integration.casenotes.conftest import MET, on_a_call
from tests.integration.firstaid.conftest import stocked
from tests.integration.people.conftest import Writer
from tests.integration.referrals.conftest import met as somebody_met
from tests.policies import drawn

__all__ = ["world"]

pytestmark = pytest.mark.django_db
WHY = "The sergeant asked for it on channel 4."
SUPERVISOR = frozenset({Role.SUPERVISOR})
DESK = SUPERVISOR | {Role.DISPATCHER}
Given = Mapping[str, Any]


@dataclass(frozen=True)
class One:
    """One act. `on` makes what it is done with; `given` is what else is typed; `act` may be a whole
    address where it has a page of its own, with `{}` for the id. `theirs`: other teams see it, too.
    """

    says: str
    page: str
    act: str
    verb: str
    action: str
    on: Callable[[World], Model]
    given: Callable[[World], Given] = lambda _: {}
    roles: frozenset[str] = SUPERVISOR
    reason: str = "reason"
    optional: bool = False
    why: str = WHY
    theirs: bool = False
    detail: Given = field(default_factory=dict)

    def address(self, row: Model) -> str:
        if "/" in self.act:
            return f"/admin/{self.page}/{self.act.format(row.pk)}"
        return f"/admin/{self.page}/{row.pk}/do/{self.act}/"


def a_call(world: World) -> Model:
    dispatch.load_reference(by=SYSTEM, now=after(0))
    return world.call(units=[], exclusions=dict.fromkeys(EXCLUSIONS, "no"))


def an_unfit_call(world: World) -> Model:
    return world.call(units=[], exclusions={"violence": "yes"}, beat="U1")


def ours(world: World) -> Given:
    return {"unit": str(world.ours.unit.pk)}


def theirs(world: World) -> Given:
    return {"unit": str(world.theirs.unit.pk)}


def linked_afar(world: World) -> Model:
    """Responders gave the CAD number of another unit's call for one that they began."""
    world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
    began = uuid7()
    world.tap("opened", began, data={"entry": "on_view"})
    by = world.ours.people[0]
    row = Assignment.objects.get(pk=began)
    waits = assignments.link(assignment=row, cad_number="77", by=by, now=after(9))
    world.commit()
    return waits


def linked(world: World) -> Model:
    row = linked_afar(world)
    assert isinstance(row, Assignment)
    row = assignments.confirm_link(assignment=row, by=world.dispatcher, now=after(20))
    world.commit()
    return row


def crewed(world: World) -> Given:
    comes, stays = world.theirs.people[0], world.ours.people[0]
    return {"shift": str(Shift.objects.get().pk), "first": str(comes.pk), "second": str(stays.pk)}


def later(_: World) -> Given:
    return {"ends_at_0": "2026-03-05", "ends_at_1": "04:00:00"}


def the_shift(_: World) -> Model:
    return Shift.objects.get()


def signed(world: World) -> Model:
    crew = on_a_call(world)
    crew.met(world)
    crew.first.write(crew.call, **MET)
    crew.cleared(world)
    crew.first.sign(crew.call)
    return Review.objects.get()


def known(world: World, **fields: Any) -> Person:
    id = uuid7()
    fields = fields or {"aliases": ["Red"]}
    Writer(world).save("persons", id, **fields)
    return Person.objects.get(pk=id)


def into(world: World) -> Given:
    return {"into": str(known(world, given_name="Dana", family_name="Reyes").pk)}


def merged(world: World) -> Model:
    row = known(world)
    other = known(world, given_name="Dana", family_name="Reyes")
    people.merge_persons(person=row, into=other, by=world.supervisor, now=after(0))
    return row


def glass(world: World) -> Model:
    by = world.theirs.people[0]
    row = people.break_glass(
        person=known(world), reason="Collapsed.", by=by, actor=user_actor(by), now=after(0)
    )
    world.commit()
    return row


def conflict(world: World) -> Model:
    """Two crews called the same person by two names, each without the other's."""
    case = somebody_met(world)
    row = Person.objects.get(pk=case.person)
    base = {**row.content, "id": str(row.pk)}
    writer = Writer(world)
    for by, name in zip(world.ours.tablets, ("Harald", "Harold"), strict=True):
        writer.save("persons", row.pk, by=by, assumed=base, given_name=name)
    return Conflict.objects.get()


def refused(world: World) -> QuarantinedWrite:
    """A tap that means nothing here."""
    world.tap("en_rout", world.given())
    return QuarantinedWrite.objects.get()


def corrected(_: World) -> Given:
    typed = QuarantinedWrite.objects.get().content
    return {"document": json.dumps({**typed, "event": "en_route"})}


def held(world: World) -> Model:
    return world.ours.tablets[0].tablet


def claimed(world: World) -> Model:
    """A tablet says that it has seen what nobody has."""
    of = world.ours.tablets[0]
    setbacks.claim(
        epoch=epochs.current(),
        tablet=of.tablet,
        instance=of.instance,
        seen_seq=10**12,
        head_seq=1,
        proven=False,
        now=after(0),
    )
    return SetbackClaim.objects.get()


def endpoint(_: World) -> Endpoint:
    made, _keys = webhooks.create_endpoint(
        partner=partner()[1],
        name="intake",
        url="https://partner.example/hook",
        event_types=["referral.requested"],
        by=SYSTEM,
        now=after(0),
    )
    Endpoint.objects.filter(pk=made.pk).update(state=EndpointState.ACTIVE, verified_at=after(0))
    made.refresh_from_db()
    return made


def delivery(world: World) -> Model:
    webhooks.send_test(endpoint=endpoint(world), by=SYSTEM, now=after(0))
    world.commit()
    webhooks.tell(now=after(1))
    Delivery.objects.update(due_at=after(900), tries=3)
    return Delivery.objects.get()


def consent(world: World) -> Model:
    return somebody_met(world).consent(partner()[1])


ACTS = [
    One("assign", "dispatch/incident", "assign_unit", "assignments.services.assign", "assign",
        a_call, ours, DESK, optional=True, theirs=True, detail={"override": False}),
    One("override", "dispatch/incident", "assign_unit", "assignments.services.assign", "assign",
        an_unfit_call, ours, DESK, theirs=True, detail={"override": True}),
    One("assign a further unit", "assignments/assignment", "assign",
        "assignments.services.assign", "assign", World.given, theirs, DESK),
    One("reassign", "assignments/assignment", "reassign",
        "assignments.services.reassign", "reassign", World.given, theirs, DESK),
    One("cancel", "assignments/assignment", "cancel",
        "assignments.services.cancel", "cancel", World.given, roles=DESK),
    One("acknowledge for a unit", "assignments/assignment", "acknowledge",
        "assignments.services.acknowledge_for_unit", "acknowledge", World.given, roles=DESK,
        why="The unit said so by radio."),
    One("confirm a CAD number", "assignments/assignment", "confirm_link",
        "assignments.services.confirm_link", "link", linked_afar, roles=DESK),
    One("refuse a CAD number", "assignments/assignment", "refuse_link",
        "assignments.services.refuse_link", "refuse_link", linked_afar, roles=DESK),
    One("take a CAD number back", "assignments/assignment", "take_back_link",
        "assignments.services.take_back_link", "unlink", linked, roles=DESK),
    One("hand over", "dispatch/unit", "hand_over", "dispatch.services.hand_over", "crew",
        lambda world: world.ours.unit, crewed),
    One("end a shift", "dispatch/shift", "end", "dispatch.services.end_shift", "end", the_shift),
    One("extend a shift", "dispatch/shift", "extend", "dispatch.services.extend_shift", "extend",
        the_shift, later),
    One("return a note", "casenotes/review", "give_back", "casenotes.services.give_back",
        "returned", signed, reason="comment"),
    One("accept a note", "casenotes/review", "accept", "casenotes.services.accept", "accepted",
        signed, reason="comment", optional=True),
    One("merge persons", "people/person", "merge", "people.services.merge_persons", "merge",
        known, into),
    One("undo a merge", "people/person", "unmerge", "people.services.unmerge_person", "unmerge",
        merged),
    One("resolve a conflict: it stays", "sync/conflict", "stays",
        "sync.services.versions.settle_conflict", "settle-stays", conflict),
    One("resolve a conflict: put back", "sync/conflict", "put_back",
        "sync.services.versions.settle_conflict", "settle-kept", conflict),
    One("correct and re-apply", "sync/quarantinedwrite", "{}/apply/",
        "sync.services.applying.apply_quarantined", "apply", refused, corrected),
    One("leave a quarantined write", "sync/quarantinedwrite", "acknowledge",
        "sync.services.quarantine.acknowledge", "acknowledge", refused),
    One("dismiss a claim", "sync/setbackclaim", "dismiss", "sync.services.setbacks.dismiss",
        "dismiss", claimed, roles=SUPERVISOR | {Role.ADMINISTRATOR}),
    One("enrol a tablet", "accounts/tablet", "enrol/", "accounts.services.make_enrolment_code",
        "create", held, lambda _: {"label": "CARE 21 spare"}),
    One("revoke a tablet", "accounts/tablet", "retire", "accounts.services.retire_tablet",
        "retire", held, roles=SUPERVISOR | {Role.ADMINISTRATOR}),
    One("wipe a tablet", "accounts/tablet", "lost", "accounts.services.mark_lost", "mark-lost",
        held, roles=SUPERVISOR | {Role.ADMINISTRATOR}),
    One("replay a delivery", "webhooks/delivery", "send_again", "webhooks.services.replay",
        "replay", delivery, reason="why", why="asked", theirs=True),
    One("pause a partner", "webhooks/endpoint", "pause_partner",
        "webhooks.services.pause_partner", "pause", endpoint, reason="why", why="failing",
        theirs=True),
    One("recall a lot", "firstaid/lot", "recall", "firstaid.services.recall_lot", "recall",
        lambda world: stocked(world).lot, lambda _: {"number": "Z-1"}, theirs=True),
    One("revoke a consent", "referrals/consent", "revoke",
        "referrals.services.consents.revoke_consent", "revoke", consent, reason="note"),
    One("extend a consent", "referrals/consent", "renew",
        "referrals.services.consents.renew_consent", "record", consent,
        lambda _: {"witness": "B. Okafor", "expires_on": "2026-12-31"}),
    One("break-glass review: it was right", "people/brokenglass", "was_justified",
        "people.services.review_glass", "review", glass, detail={"justified": True}),
    One("break-glass review: it was not", "people/brokenglass", "was_not_justified",
        "people.services.review_glass", "review", glass, detail={"justified": False}),
    One("break-glass review: ask", "people/brokenglass", "ask",
        "people.services.ask_about_glass", "ask", glass),
]  # fmt: skip


def at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def is_sent_away(answer: Any) -> bool:
    """Refused, or never let into the admin at all."""
    return answer.status_code == 403 or "/admin/login/" in answer.headers.get("Location", "")


def standing(row: Model) -> Given:
    """The row as it stands in the database."""
    fresh = type(row)._default_manager.get(pk=row.pk)
    return {one.attname: getattr(fresh, one.attname) for one in row._meta.concrete_fields}


@pytest.mark.parametrize("one", ACTS, ids=[one.says for one in ACTS])
def test_each_act_is_done_by_whose_it_is_once_and_says_why(
    world: World, one: One, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: after(60))
    drawn(100)  # each note is reviewed
    room, _, verb = f"apps.{one.verb}".rpartition(".")
    assert callable(getattr(import_module(room), verb))
    row = one.on(world)
    typed = {**one.given(world), one.reason: one.why, "apply": "1"}
    address = one.address(row)
    enrols = one.act == "enrol/"  # it makes a code, of the team of whoever asks

    for role in sorted(set(Role.values) - one.roles):
        assert is_sent_away(at_desk(person(role)).post(address, typed)), role
    if not (one.theirs or enrols):
        assert at_desk(person(Role.SUPERVISOR)).post(address, typed).status_code == 404
    told = Entry.objects.filter(action=one.action, reason__isnull=False)
    assert not told.exists()

    desk, page = at_desk(world.supervisor), f"/admin/{one.page}/"
    for offering in (page, page if enrols else f"{page}{row.pk}/change/"):
        assert address in desk.get(offering).content.decode(), offering
    assert desk.get(address).status_code == 200, "it asks first"
    if not one.optional:
        assert desk.post(address, {**typed, one.reason: ""}).status_code == 200, "and why"
    assert not told.exists()

    assert desk.post(address, typed).status_code == (200 if enrols else 302)
    entry = told.filter(actor_id=world.supervisor.pk).earliest("at")
    assert entry.reason == one.why
    assert one.detail.items() <= entry.detail.items()
    acts, stands = Entry.objects.exclude(action="read"), standing(row)
    count = acts.count()
    desk.post(address, typed)
    assert (acts.count(), standing(row)) == (count + enrols, stands)
