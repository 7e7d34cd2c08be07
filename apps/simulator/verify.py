"""What is true at the end of a run, found out independently of the tablets that played it.

Six questions, each answered against somebody else's word:

- **lost**: the journal of every tap that was ever typed, against what a dispatcher reads of every
  assignment over the API; and for every call that named a CARE unit, whether the tablets of the
  unit that has it ever showed it.
- **duplicated**: facts of a tablet on the server beyond those typed, calls and assignments that
  stand there twice, alerts raised twice for one call for help.
- **texts lost**: every sentence that was ever typed into a note or of a follow-up, against what a
  supervisor reads, and the texts that the server keeps beside it.
- **owed**: every assignment, against the list of records that a supervisor reads as owed: it is
  over, and owes none.
- **flagged**: what was written with a code that the server does not know, of a wrong form, or of a
  dose nobody can say from what stock: whatever else is wrong, the played crews write as they
  should.
- **diverged**: each tablet's store, document by document and byte by byte, against a fresh local
  database of the same tablet that pulls everything from the start.

Beside these, what is no fault and must not be overlooked: **kept**, what each tablet shows of texts
that were refused, or that stand beside what others wrote in their place, until somebody settles
them.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from apps.simulator.desk import Desk
from apps.simulator.figures import Figures
from apps.simulator.loops import Loops
from apps.simulator.radio import Radio
from apps.simulator.reminded import Followed
from apps.simulator.tablet.store import Document, encoded, seq_of
from apps.simulator.tablet.tablet import COLLECTIONS, PUSHABLE, Tablet

PATIENCE = 10
# Flags of what should have been typed otherwise.
AMISS = frozenset(
    {"unknown_code", "bad_field", "bad_shape", "bad_time", "stock_unknown", "care_never_decides"}
)
# What the client wrote into a fact; the rest is the server's.
_WRITTEN = ("kind", "assignment_id", "event", "device_time", "counter", "data", "editor", "edit_no")


@dataclass
class Findings:
    """What was found wrong, one line each; `assignments` are those of this run, `kept` what waits
    to be settled. `refused`: ids of the rows in quarantine."""

    assignments: list[Document] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    texts_lost: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)
    flagged: list[str] = field(default_factory=list)
    conflicts: int = 0
    quarantined: int = 0
    refused: set[str] = field(default_factory=set)
    loops: Loops = field(default_factory=Loops)
    followed: Followed = field(default_factory=Followed)

    @property
    def clean(self) -> bool:
        return not any(lines for _, lines in self.wrong())

    def wrong(self) -> Iterator[tuple[str, list[str]]]:
        """What must not be, by its name."""
        yield "lost", self.lost
        yield "texts_lost", self.texts_lost
        yield "owed", self.owed
        yield "flagged", self.flagged
        yield "duplicated", self.duplicated
        yield "diverged", self.diverged
        yield "referrals_lost", self.loops.lost
        yield "webhook_two_ids", self.loops.two_ids
        yield "webhook_out_of_order", self.loops.out_of_order
        yield "follow_ups_lost", self.followed.follow_ups_lost
        yield "reminders_lost", self.followed.reminders_lost
        yield "reminders_duplicated", self.followed.reminders_duplicated


async def verify(
    *,
    figures: Figures,
    tablets: Sequence[Tablet],
    desk: Desk,
    base_url: str,
    supervisor: Desk | None = None,
    reader: Tablet | None = None,
) -> Findings:
    """Ask the six questions. The shift has ended, the radio is good. `desk` is a dispatcher; what
    was written of people a `supervisor` reads, and of follow-ups their tablet (`reader`) is
    shown."""
    findings = Findings()
    every = await desk.pages("/api/v1/assignments")
    numbers = set(figures.posted)
    own = {fact["assignment_id"] for _, fact in figures.taps.values()}
    findings.assignments = [a for a in every if a["cad_number"] in numbers or a["id"] in own]
    facts = [
        fact
        for assignment in findings.assignments
        for fact in await desk.get(f"/api/v1/assignments/{assignment['id']}/facts")
    ]
    _compare_taps(findings, figures, facts, {str(tablet.store.instance) for tablet in tablets})
    _compare_calls(findings, figures, tablets)
    alerts = await desk.pages("/api/v1/alerts")
    _no_doubles(findings, "alert for", (a["fact_id"] for a in alerts if a["fact_id"]))
    if supervisor is not None:
        await _compare_records(findings, figures, supervisor, reader)
    for tablet in tablets:
        findings.diverged += await _differences(tablet, base_url)
        findings.kept += _kept(tablet)
    return findings


async def _compare_records(
    findings: Findings, figures: Figures, supervisor: Desk, reader: Tablet | None
) -> None:
    """Every sentence once typed can be read, and every call is over and has its record."""
    refused = await supervisor.pages("/api/v1/quarantine")
    beside = await supervisor.pages("/api/v1/conflicts")
    findings.quarantined, findings.conflicts = len(refused), len(beside)
    findings.refused = {row["document"] for row in refused}
    kept = b"".join(
        [encoded(await supervisor.get(f"/api/v1/quarantine/{row['id']}")) for row in refused]
        + [encoded(row) for row in beside]
    )
    texts: dict[str, bytes] = {}
    for collection, id in set(figures.sentences.values()):
        if collection == "case_notes":
            texts[id] = encoded(await supervisor.get(f"/api/v1/casenotes/{id}"))
        elif reader is not None:
            texts[id] = encoded(reader.store.get(collection, id))
    findings.texts_lost = [
        f"a sentence of {collection} {id} stands nowhere"
        for sentence, (collection, id) in figures.sentences.items()
        if sentence.encode() not in texts.get(id, b"") and sentence.encode() not in kept
    ]
    owed = await supervisor.pages("/api/v1/casenotes/debts")
    debts = {debt["assignment_id"] for debt in owed if debt["owed"] == "record"}
    for one in findings.assignments:
        if one["state"] != "closed":
            findings.owed.append(f"assignment {one['id']} of {one['unit']} is not over")
        elif one["id"] in debts:
            findings.owed.append(f"assignment {one['id']} of {one['unit']} has no record")
    if reader is not None:
        findings.flagged += _flagged(reader)


def _flagged(reader: Tablet) -> Iterator[str]:
    """What a supervisor's tablet shows of it; a flag names a field and no value."""
    for collection in PUSHABLE:
        for one in reader.store.documents(collection):
            for flag in one.get("flags") or ():
                if flag.partition(":")[0] in AMISS:
                    what = one.get("kind") or collection
                    yield f"{what} {one['id']} is flagged {flag}"


def _kept(tablet: Tablet) -> Iterable[str]:
    """What a tablet shows of it; by names, the texts are nobody's business here."""
    for row in tablet.store.kept():
        where = f"{row.get('doc_collection')} {row.get('doc_id')}"
        what = ", ".join(row.get("fields", [])) or "the whole row"
        why = " ".join(error["detail"] for error in row.get("errors") or ())
        yield f"{tablet.label} shows what was kept of {where}: {what} ({row.get('kind')}) {why}"


def _compare_taps(
    findings: Findings, figures: Figures, facts: Sequence[Document], instances: set[str]
) -> None:
    """Every tap once, and as it was typed."""
    stored = {fact["id"]: fact for fact in facts}
    for id, (label, tap) in figures.taps.items():
        fact = stored.get(id)
        if fact is None:
            findings.lost.append(f"fact {id} ({tap['event']}) of {label} is not on the server")
        elif any(fact.get(name) != tap[name] for name in _WRITTEN):
            findings.lost.append(f"fact {id} ({tap['event']}) of {label} is not as it was typed")
    typed_here = [fact for fact in facts if fact.get("editor") in instances]
    for fact in typed_here:
        if fact["id"] not in figures.taps and fact["received_at"] >= figures.began_at:
            findings.duplicated.append(f"fact {fact['id']} ({fact['event']}) was never typed")
    _no_doubles(findings, "fact", (fact["id"] for fact in facts))
    _no_doubles(findings, "tap", ((fact["editor"], fact["counter"]) for fact in typed_here))


def _compare_calls(findings: Findings, figures: Figures, tablets: Sequence[Tablet]) -> None:
    """Every call with a CARE unit is one assignment, and was on all of its unit's tablets."""
    given = [a for a in findings.assignments if a["cad_number"]]
    _no_doubles(findings, "assignment", ((a["incident"], a["unit"]) for a in given))
    incidents = {(a["cad_number"], a["incident"]) for a in given}
    _no_doubles(findings, "incident", (number for number, _ in incidents))
    known = {a["cad_number"] for a in given}
    for number in sorted(figures.with_care - known):
        findings.lost.append(f"call {number} has no assignment")
    for assignment in findings.assignments:
        for tablet in tablets:
            ours = tablet.label.startswith(f"{assignment['unit']} ")
            if ours and (assignment["id"], tablet.label) not in figures.deliveries:
                findings.lost.append(f"assignment {assignment['id']} never came to {tablet.label}")


async def _differences(tablet: Tablet, base_url: str) -> list[str]:
    """How a tablet differs from a fresh local database of its own. Both are compared as of the
    same head; while the server goes on, they are asked again."""
    if tablet.status.put_back:  # it would be asked for ever
        return [f"{tablet.label} is served nothing: the server was put back in time"]
    found: list[str] = []
    for _ in range(PATIENCE):
        fresh = Tablet(
            label=tablet.label,
            base_url=base_url,
            path=":memory:",
            link=Radio(random.Random(0)),
            dice=random.Random(0),
        )
        assert tablet.store.token, "it has played a shift"
        fresh.store.enrolled(tablet.store.token)
        try:
            await tablet.catch_up()
            before = seq_of(tablet.store.seen)
            await fresh.catch_up(telling=False)
            await tablet.catch_up()
            found = [*_between(tablet, fresh)]
            if not found or seq_of(tablet.store.seen) == before:
                return found
        finally:
            await fresh.close()
        await asyncio.sleep(0.5)
    return found


def _between(tablet: Tablet, fresh: Tablet) -> Iterable[str]:
    for collection in COLLECTIONS:
        has = {document["id"]: document for document in tablet.store.documents(collection)}
        should = {document["id"]: document for document in fresh.store.documents(collection)}
        for id in sorted(has.keys() | should.keys()):
            if id not in should:
                yield f"{tablet.label} still has {collection} {id}"
            elif id not in has:
                yield f"{tablet.label} lacks {collection} {id}"
            elif encoded(has[id]) != encoded(should[id]):
                yield f"{tablet.label} has another {collection} {id}"


def _no_doubles(findings: Findings, what: str, names: Iterable[object]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            findings.duplicated.append(f"{what} {name} stands there {times} times")
