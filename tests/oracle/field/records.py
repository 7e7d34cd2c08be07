"""What must be true in the evening of notes, signatures, doses and stock.

1. A signed note says what was on the screen where it was signed, and `verify_notes` finds nothing.
2. What was typed into a note after its signature lies in quarantine, and what it adds is offered as
   an addendum, word for word; what became of one has it.
3. What was told once is there once: facts, doses, first aid, answers, signatures, addenda,
   movements, consents and their revocations, what partners said and were told, what is told of
   follow-ups. What was taken is not refused as well.
4. In each kit lies what was put in, less what was taken out, less one piece for each dose that its
   unit gave and nobody has taken back; and that is what tablets are told.
5. No reaction is parked: every room has followed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

from apps.assignments.models import Fact
from apps.casenotes.content import content_of
from apps.casenotes.models import Addendum, CaseNote, NoteState, Signature
from apps.casenotes.services.adding import typed_since
from apps.casenotes.verifying import check_signed
from apps.changes.models import ParkedReaction, StoredDocument
from apps.changes.reading import body_of
from apps.firstaid.models import (
    FirstAidLog,
    MovementKind,
    NaloxoneDose,
    OverdoseAnswer,
    StockMovement,
)
from apps.followups.models import FollowUpAgreement, FollowUpEvent
from apps.referrals.models import Consent, ConsentRevocation, Disclosure, ReferralAnswer
from apps.sync.models import QuarantinedWrite
from apps.sync.services.quarantine import status_of

if TYPE_CHECKING:
    from tests.oracle.field.world import FieldWorld

_TOLD_ONCE = (
    *(Fact, NaloxoneDose, FirstAidLog, OverdoseAnswer),
    *(Signature, Addendum, StockMovement),
    *(Consent, ConsentRevocation, ReferralAnswer, Disclosure, FollowUpEvent, FollowUpAgreement),
)
_BY_DOSES = (MovementKind.DOSE, MovementKind.REVERSAL)


def wrong(world: FieldWorld) -> list[str]:
    """What is not so, one line each."""
    parked = ParkedReaction.objects.values_list("reaction", "error")
    return [
        *(str(found) for found in check_signed() if found),
        *_signed(world),
        *_typed_after(world),
        *_doubles(world),
        *_stock(world),
        *(f"{reaction} is parked: {error}" for reaction, error in parked),
    ]


def _signed(world: FieldWorld) -> Iterator[str]:
    for row in Signature.objects.filter(pk__in=world.signed):
        if content_of(row.content) != world.signed[row.pk]:
            yield f"the signature {row.pk} is under another text than was signed"


def _typed_after(world: FieldWorld) -> Iterator[str]:
    words = world.typed.words
    notes = CaseNote.objects.exclude(state=NoteState.DRAFT).filter(pk__in=world.typed.uuids)
    for note in notes:
        signed = note.signatures.earliest("received_at", "pk")
        here = words.found_in(signed.content)
        late = QuarantinedWrite.objects.filter(
            collection="case_notes", doc_id=str(note.pk), at__gt=signed.received_at
        )
        added = words.found_in([row.changes for row in Addendum.objects.of(note.pk)])
        for write in late.exclude(author=None):
            typed = content_of(write.content)
            owed = words.found_in(typed) - here - words.found_in(write.base)
            offered = words.found_in(typed_since(signed.content, write.content, write.base))
            if owed - offered:
                yield f"not offered as an addendum to {note.pk}: {sorted(owed - offered)}"
            made = Addendum.objects.filter(quarantined=write.pk, changes__isnull=False).exists()
            if made and owed - added:
                yield f"not in the addendum made of {write.pk}: {sorted(owed - added)}"


def _doubles(world: FieldWorld) -> Iterator[str]:
    ours = {str(held.store.instance) for held in world.held}
    refused = QuarantinedWrite.objects.filter(tablet__in=world.rights.hands)
    refused_ids = {row.doc_id for row in refused if status_of(row) == "open"}
    for model in _TOLD_ONCE:
        told = model.objects.filter(device__in=ours)
        for save, times in Counter(told.values_list("device", "edit_no")).items():
            if times > 1:
                yield f"{model.__name__} {save} is there {times} times"
        for pk in map(str, told.values_list("pk", flat=True)):
            if pk in refused_ids:
                yield f"{model.__name__} {pk} was taken, and is refused"


def _stock(world: FieldWorld) -> Iterator[str]:
    rows = StockMovement.objects.filter(lot_id=world.lot.pk)
    moved = [row for row in rows if row.kind not in _BY_DOSES]
    expected: Counter[UUID] = Counter()
    for row in moved:
        _add(expected, row.to_kit_id, row.quantity)
        _add(expected, row.from_kit_id, -row.quantity)
    bag_of = {unit: kit for kit, unit in world.rights.kits.items() if unit}
    for dose in _given(world):
        _add(expected, bag_of.get(dose.unit_id), -1)
    every = StockMovement.objects.filter(product_id=world.spray.pk)
    total: Counter[UUID] = Counter()
    for row in every:
        _add(total, row.to_kit_id, row.quantity)
        _add(total, row.from_kit_id, -row.quantity)
    for kit in world.kits:
        shown = sum(level["quantity"] for level in _document(kit.pk).get("stock", ()))
        if not expected[kit.pk] == total[kit.pk] == shown:
            yield (
                f"in {kit.label} lie {total[kit.pk]} by the movements; {shown} are shown, and "
                f"{expected[kit.pk]} should be there"
            )


def _given(world: FieldWorld) -> Iterable[NaloxoneDose]:
    """The doses of today's units that were given, and that nobody has taken back."""
    rows = list(NaloxoneDose.objects.filter(unit__in=world.units))
    corrected = {row.corrects for row in rows}
    return [row for row in rows if row.pk not in corrected and row.corrects is None]


def _add(counter: Counter[UUID], kit: UUID | None, quantity: int) -> None:
    if kit is not None:
        counter[kit] += quantity


def _document(kit: UUID) -> dict[str, Any]:
    row = StoredDocument.objects.get(collection="reference", doc_id=kit)
    body: dict[str, Any] = orjson.loads(body_of("reference", kit, row.body) or b"{}")
    return body
