"""Figures follow the change log: whatever is published of a dispatch has its row made anew.

1. A writer publishes; nothing else is written, and nobody waits for figures.
2. Whoever has the reader's row reads on from there, makes the rows of the dispatches that were
   published about, and moves the reader, in one transaction: after a crash it is as if nobody had
   read.
3. A row is made of how things stand, not of what was published: twice is as good as once, and a
   database that was put back in time is followed from where its log ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from apps.assignments.documents import paired
from apps.assignments.models import Assignment
from apps.assignments.records import Record, limits, look_at
from apps.assignments.timeline import ledger
from apps.casenotes.models import CaseNote, EncounterRecord
from apps.changes import reading
from apps.firstaid.aid import aids
from apps.firstaid.doses import doses
from apps.firstaid.models import FirstAidLog, NaloxoneDose
from apps.metrics import deriving
from apps.metrics.deriving import Around
from apps.metrics.models import DispatchFigures, HandoffFigures, LogReader
from apps.people.models import Encounter
from apps.referrals.models import Referral
from apps.sync import documents

log = logging.getLogger(__name__)

READER: Final = "figures"
# Documents of one transaction, and incidents of one step when everything is made anew.
LARGEST_BATCH: Final = 200
_END_OF_COMMIT: Final = 2**63 - 1


def _named(model: type[Encounter | CaseNote | NaloxoneDose | FirstAidLog | Referral]) -> Finder:
    return lambda ids: model.objects.filter(pk__in=ids).values_list("assignment_id", flat=True)


Finder = Callable[[Sequence[UUID]], Iterable[UUID | None]]
# Collections whose documents are about a dispatch, and which one.
_ABOUT: Final[Mapping[str, Finder]] = {
    "assignments": lambda ids: ids,
    "encounters": _named(Encounter),
    "case_notes": _named(CaseNote),
    "naloxone_doses": _named(NaloxoneDose),
    "first_aid_logs": _named(FirstAidLog),
    "referrals": _named(Referral),
}


def follow_log() -> int:
    """Brings the figures up to the head of the log, batch by batch. Returns how many documents were
    read. Of two at once one does it."""
    read = 0
    while True:
        batch = _follow_batch()
        read += batch
        if batch < LARGEST_BATCH:
            return read


def rebuild() -> int:
    """Makes the figures of every incident anew, in batches. Returns how many. For the operator:
    after a change of what is counted."""
    done, last = 0, None
    while True:
        rows = Assignment.objects.order_by("incident_id").distinct("incident_id")
        if last is not None:
            rows = rows.filter(incident_id__gt=last)
        found = list(rows.values_list("incident_id", flat=True)[:LARGEST_BATCH])
        if not found:
            return done
        for incident_id in found:
            _make(incident_id)
        done, last = done + len(found), found[-1]


@transaction.atomic
def _follow_batch() -> int:
    LogReader.objects.get_or_create(name=READER)
    rows = LogReader.objects.select_for_update(no_key=True, skip_locked=True)
    reader = rows.filter(name=READER).first()
    if reader is None:
        return 0
    head = reading.head()
    if (reader.seq, reader.n) >= (head.seq, _END_OF_COMMIT):
        return 0
    found = reading.published_after(
        reader.seq, reader.n, head=head, collections=list(_ABOUT), limit=LARGEST_BATCH
    )
    about: dict[str, list[UUID]] = {}
    for one in found:
        about.setdefault(one.collection, []).append(one.id)
    named = {id for name, ids in about.items() for id in _ABOUT[name](ids) if id}
    now_of = Assignment.objects.filter(pk__in=named).values_list("incident_id", flat=True)
    # A dispatch that went with a merged incident leaves the figures of its former one.
    formerly = DispatchFigures.objects.filter(pk__in=named).values_list("incident_id", flat=True)
    for incident_id in sorted({*now_of, *formerly}):
        _make(incident_id)
    full = len(found) == LARGEST_BATCH
    reader.seq = found[-1].seq if full else head.seq
    reader.n = found[-1].n if full else _END_OF_COMMIT
    reader.save(update_fields=["seq", "n"])
    return len(found)


def _make(incident_id: UUID) -> None:
    """The rows of an incident and of its dispatches. One that cannot be read keeps the row that it
    has: the operator is told, and the others do not wait for it."""
    try:
        with transaction.atomic():
            # `rebuild` runs beside the tick: whoever is second reads what the first has left.
            documents.lock(READER, [incident_id])
            rows = Assignment.objects.select_related("incident", "unit__team", "given_by")
            records = [look_at(row) for row in rows.filter(incident_id=incident_id)]
            for record in records:
                pk = record.assignment.pk
                told = deriving.dispatch(record, _around(pk))
                DispatchFigures.objects.update_or_create(id=pk, defaults=told)
            _make_handoff(incident_id, records)
    except Exception as error:
        log.exception("figures of an incident cannot be made: %s", type(error).__name__)


def _make_handoff(incident_id: UUID, records: Sequence[Record]) -> None:
    if not records:
        HandoffFigures.objects.filter(pk=incident_id).delete()
        return
    facts = [entry.fact for record in records for entry in record.timeline.history]
    told = ledger(facts, paired(records[0]), limits=limits())
    columns = deriving.handoff(records, told)
    HandoffFigures.objects.update_or_create(id=incident_id, defaults=columns)


def _around(assignment_id: UUID) -> Around:
    kinds = EncounterRecord.objects.filter(assignment_id=assignment_id, cleared_at__isnull=False)
    return Around(
        record=deriving.record_of(kinds.values_list("kind", flat=True)),
        encounters=Encounter.objects.of(assignment_id).count(),
        doses=doses(NaloxoneDose.objects.of(assignment_id)),
        aids=len(aids(FirstAidLog.objects.of(assignment_id))),
        referrals=Referral.objects.of(assignment_id).count(),
    )
