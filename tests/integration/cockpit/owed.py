"""For each tile rows that it counts, and one beside them that it does not.

The rows stand as services would have left them; who sees them is published like theirs. How each
comes to be is tried where its room is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from apps.accounts.models import LocalDatabase
from apps.assignments import services as assignments
from apps.assignments.models import Alert, Assignment, SupportOffer
from apps.casenotes.models import CaseNote, EncounterRecord, OwedReport, Review
from apps.changes import scopes
from apps.changes.models import ParkedReaction
from apps.changes.services import Document, publish
from apps.core import clock
from apps.core.ids import uuid7
from apps.dispatch import messages
from apps.dispatch import services as dispatch
from apps.firstaid import services as firstaid
from apps.firstaid.models import Kit, Lot, Product, ProductKind
from apps.followups.models import ClockAttempt, FollowUp, MissingAgreement
from apps.referrals.clocks import SUPERVISOR
from apps.referrals.models import Referral, ReferralTask
from apps.sync.models import Conflict, Outbox, QuarantinedWrite
from apps.webhooks.models import Endpoint
from tests.factories import NOON, partner
from tests.integration.assignments.conftest import World

_ASKED = "weapon violence residence business encampment drug_use medical confrontational minor"
HARMLESS = dict.fromkeys(_ASKED.split(), "no")


def seen(world: World, collection: str, *ids: UUID) -> None:
    """Lets the team's supervisors see these records."""
    to = frozenset({scopes.team(world.team.pk)})
    publish(documents=[Document(collection, id, to, {"id": str(id)}) for id in ids], now=NOON)


def alerts(world: World) -> None:
    for _ in range(3):
        world.tap("emergency", world.given())

    assignments.acknowledge_alert(alert=Alert.objects.earliest("pk"), by=world.supervisor, now=NOON)


def support(world: World) -> None:
    for state in ("due", "due", "offered"):
        offered = {"offered_by": world.supervisor, "offered_at": NOON} if state != "due" else {}
        SupportOffer(
            id=uuid7(), team=world.team, state=state, raised_at=NOON, kinds=["assault"], **offered
        ).save()


def not_sent(world: World) -> None:
    for _ in range(2):
        world.call(units=[], exclusions=HARMLESS)
    world.call(exclusions=HARMLESS)


def numbers(world: World) -> None:
    """Two calls with one that waits, one of them cleared; one whose number a desk has refused."""
    world.call(number="77", units=[world.status("Dispatched", of="CARE22")])
    for number in range(3):
        id = Assignment().pk
        world.tap("opened", id, data={"entry": "on_view"}, now=NOON)
        row = Assignment.objects.get(pk=id)
        row = assignments.link(assignment=row, cad_number="77", by=world.ours.people[0], now=NOON)
        if number == 1:
            world.tap("unable_to_locate", row, now=NOON)
        if number == 2:
            assignments.refuse_link(assignment=row, by=world.dispatcher, now=NOON)


def held(world: World) -> None:
    for body in (b"{", b"[", b"("):
        row = dispatch.hold_message(
            client=world.client,
            path=messages.PLAIN,
            content_type="application/json",
            body=body,
            errors=[("", "no JSON")],
            now=clock.now(),
        )
    row.replayed_at = NOON
    row.save()


def records(world: World) -> None:
    row = world.given()
    common = {"assignment_id": row.pk, "closing": "cleared", "cleared_at": NOON}
    for kind in ("", "", "full"):
        settled = NOON if kind else None
        EncounterRecord(id=uuid7(), kind=kind, settled_at=settled, **common).save()


def _note(world: World) -> CaseNote:
    note = CaseNote(
        id=uuid7(),
        encounter_id=uuid7(),
        assignment_id=uuid7(),
        begun_at=NOON,
        saved_at=NOON,
        content={},
    )
    note.save()
    seen(world, "case_notes", note.pk)
    return note


def reports(world: World) -> None:
    """One is late, one soon due; the others are made, or due later."""
    now = clock.now()
    for due_at in (NOON, now + timedelta(hours=23), None, now + timedelta(hours=25)):
        OwedReport(note=_note(world), due_at=due_at, since=NOON).save()


def reviews(world: World) -> None:
    for state in ("waiting", "waiting", "accepted"):
        by = {"reviewer": world.supervisor, "decided_at": NOON} if state == "accepted" else {}
        Review(
            id=uuid7(), note=_note(world), state=state, asked_at=NOON, reasons=["routine"], **by
        ).save()


def quarantine(world: World) -> None:
    tablet = world.ours.tablets[0]
    for number, seen_at in enumerate((None, None, NOON)):
        row = QuarantinedWrite(
            id=uuid7(),
            collection="case_notes",
            doc_id=str(uuid7()),
            tablet=tablet.tablet,
            instance=tablet.instance,
            fingerprint=bytes([number]) * 16,
            content={},
            errors=[],
            at=NOON,
            acknowledged_at=seen_at,
            acknowledged_by=world.supervisor if seen_at else None,
        )
        row.save()
        seen(world, "quarantine", row.pk)


def conflicts(world: World) -> None:
    for settled in (None, None, NOON):
        row = Conflict(
            id=uuid7(),
            collection="case_notes",
            doc_id=uuid7(),
            version=uuid7(),
            at=NOON,
            fields=["text"],
            won={},
            kept={},
            settled_at=settled,
            settled_by=world.supervisor if settled else None,
            choice="stays" if settled else "",
        )
        row.save()
        seen(world, "quarantine", row.pk)


def early(world: World) -> None:
    for _ in range(2):
        world.tap("on_scene", uuid7())
    world.tap("on_scene", uuid7(), now=clock.now())


def unsent(world: World) -> None:
    tablets = [*world.ours.tablets, *world.theirs.tablets]
    for held_, count in zip(tablets, (3, 1, 0), strict=True):
        local = LocalDatabase.objects.filter(pk=held_.instance).first() or LocalDatabase(
            id=held_.instance, tablet=held_.tablet, first_seen_at=NOON
        )
        local.save()
        Outbox(
            local_database=local,
            unsent={},
            refused={},
            unsent_count=count,
            refused_count=0,
            device_at=NOON,
            offset_ms=0,
            declared_at=NOON,
        ).save()


def silent(world: World) -> None:
    """On all of them somebody is signed in."""
    for held_, at in zip(world.ours.tablets, (None, NOON), strict=True):
        held_.tablet.last_seen_at = at
        held_.tablet.save()


def referrals(world: World) -> None:
    _, to = partner()
    for step in (SUPERVISOR, SUPERVISOR, 0):
        referral = Referral(
            id=uuid7(),
            assignment_id=uuid7(),
            encounter_id=uuid7(),
            urgency="72h",
            created_at=NOON,
            created_by=world.supervisor,
            content={},
        )
        referral.save()
        ReferralTask(
            id=uuid7(),
            referral=referral,
            partner=to,
            status="requested",
            status_at=NOON,
            asked_at=NOON,
            asked_by=world.supervisor,
            sent_at=NOON,
            awaits="answer",
            clock_from=NOON,
            clock_step=step,
        ).save()
        seen(world, "referrals", referral.pk)


def followups(world: World) -> None:
    for level in (3, 3, 0):
        row = FollowUp(
            id=uuid7(),
            encounter_id=uuid7(),
            assignment_id=uuid7(),
            purpose="check_in",
            way="visit",
            team=world.team,
            first_from=NOON,
            first_until=NOON + timedelta(hours=1),
            due_from=NOON,
            due_until=NOON + timedelta(hours=1),
            level=level,
            created_at=NOON,
            created_by=world.supervisor,
            content={},
        )
        row.save()
        seen(world, "follow_ups", row.pk)


def agreements(world: World) -> None:
    for settled in (None, None, NOON):
        row = MissingAgreement(
            id=uuid7(),
            encounter_id=uuid7(),
            assignment_id=uuid7(),
            items=["day"],
            ended_at=NOON,
            noticed_at=NOON,
            settled_at=settled,
        )
        row.save()
        seen(world, "encounters", row.encounter_id)


def reminders(world: World) -> None:
    for tries in (20, 20, 1):
        ClockAttempt(
            follow_up_id=uuid7(), tries=tries, first_at=NOON, due_at=NOON, error="Broken"
        ).save()


def partners(world: World) -> None:
    _, of = partner()
    states: tuple[dict[str, Any], ...] = (
        {"state": "active", "verified_at": NOON, "failing_since": NOON, "failures": 3},
        {"state": "paused", "verified_at": NOON, "paused_at": NOON, "paused_by": "system"},
        {"state": "active", "verified_at": NOON},
    )
    for number, state in enumerate(states):
        Endpoint(
            id=uuid7(),
            partner=of,
            name=f"no {number}",
            url="https://partner.example/hook",
            challenge="x",
            made_at=NOON,
            **state,
        ).save()


def stock(world: World) -> None:
    """Two kits that ran out of what they had, and one that never had anything."""
    product = Product(id=uuid7(), kind=ProductKind.SUPPLY, name="Blankets", low_at=5, in_use=True)
    product.save()
    lot = Lot(id=uuid7(), product=product, number="1", expires_on=NOON.date().replace(year=2099))
    lot.save()
    for number in range(3):
        kit = Kit(id=uuid7(), label=f"Kit {number}", team=world.team)
        kit.save()
        if number:
            firstaid.receive(kit=kit, lot=lot, quantity=1, by=world.supervisor, now=NOON)


def parked(world: World) -> None:
    for _ in range(2):
        ParkedReaction(
            id=uuid7(),
            reaction="a.reaction",
            event="a.thing",
            subject=uuid7(),
            error="Broken",
            failed_at=NOON,
            due_at=NOON,
        ).save()


OWED: dict[str, Callable[[World], None]] = {
    made.__name__: made
    for made in (
        *(alerts, support, not_sent, numbers, held, reports, records, reviews, quarantine),
        *(conflicts, early, unsent, silent, referrals, followups, agreements, reminders),
        *(partners, stock, parked),
    )
}
