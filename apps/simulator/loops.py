"""What is true of referrals and webhooks at the end of a run, found out from both sides.

- **lost**: every referral that a crew typed, against what a supervisor reads; every task that was
  sent, against what its agency was asked; every answer that an agency gave, against what stands in
  the referral; every event that was made, against what came.
- **two ids**: one place in an endpoint's order under two webhook-ids.
- **out of order**: an event whose first arrival came before that of an earlier one of its subject.
  What must not wait is not ordered, and repeats count by their first arrival.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.simulator.agency import Agency, Heard
from apps.simulator.desk import Desk
from apps.simulator.figures import Figures
from apps.simulator.frontdesk import FrontDesk
from apps.simulator.tablet.store import Document

URGENT = frozenset({"referral.cancelled", "consent.revoked"})
# They go before an endpoint is proven, and are no news.
UNHEARD = frozenset({"endpoint.verification"})
# Real seconds in which events that are still on their way must come.
DELIVERED_SECONDS = 60.0
LOOK_SECONDS = 0.5


@dataclass
class Loops:
    """Counts, and what was found wrong, one line each."""

    sent: int = 0
    answered: int = 0
    events: int = 0
    lost: list[str] = field(default_factory=list)
    two_ids: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)


async def look(
    *,
    figures: Figures,
    agencies: Sequence[Agency],
    front_desks: Sequence[FrontDesk],
    supervisor: Desk,
) -> Loops:
    """Asks all of it. The shift has ended and the radio is good."""
    found = Loops()
    tasks = await _tasks(found, figures, supervisor)
    for desk in front_desks:
        compare_links(found, desk.name, tasks=tasks, answered=desk.answered)
    for agency in agencies:
        asked = {task["id"] for task in await agency.asked()}
        compare_tasks(found, agency.name, tasks=tasks, asked=asked, answered=agency.answered)
        compare_events(found, agency.name, made=await _settled(agency), came=agency.events)
        if agency.unverified:
            found.lost.append(
                f"{agency.unverified} events to {agency.name} were not signed as told"
            )
    return found


def compare_tasks(
    found: Loops,
    agency: str,
    *,
    tasks: Mapping[str, Document],
    asked: Collection[str],
    answered: Mapping[str, Iterable[str]],
) -> None:
    """What one agency was asked and has answered, against the tasks as a supervisor reads them."""
    for id, task in tasks.items():
        if task["sent_at"] and task["partner"] == agency and id not in asked:
            found.lost.append(f"task {id} was sent and never came to {agency}")
    for id, verbs in answered.items():
        said = {answer["verb"] for answer in tasks[id]["answers"]} if id in tasks else set()
        for verb in verbs:
            if id in tasks and verb not in said:
                found.lost.append(f"{agency} said {verb} of task {id}, and nobody knows")


def compare_links(
    found: Loops,
    partner: str,
    *,
    tasks: Mapping[str, Document],
    answered: Mapping[str, Sequence[str]],
) -> None:
    """What one front desk was thanked for, against what stands in the referrals. A link does not
    say which task it is of, so they are counted."""
    thanked = Counter(verb for verbs in answered.values() for verb in verbs)
    stands = Counter(
        answer["verb"]
        for task in tasks.values()
        if task["partner"] == partner
        for answer in task["answers"]
        if answer["way"] == "link"
    )
    for verb, times in (thanked - stands).items():
        found.lost.append(f"{partner} said {verb} by a link, and {times} times nobody knows")


def compare_events(
    found: Loops, agency: str, *, made: Sequence[Document], came: Sequence[Heard]
) -> None:
    """What came to one agency, against everything that was made for its endpoint."""
    found.events += len(came)
    ids: dict[int, set[str]] = defaultdict(set)
    for event in came:
        ids[event.sequence].add(event.id)
    found.lost += [
        f"event {event['sequence']} ({event['type']}) never came to {agency}"
        for event in made
        if event["type"] not in UNHEARD and event["id"] not in ids[event["sequence"]]
    ]
    if [event["sequence"] for event in made] != list(range(1, len(made) + 1)):
        found.lost.append(f"the events of {agency} have a gap")
    found.two_ids += [
        f"event {sequence} came to {agency} as {sorted(several)}"
        for sequence, several in sorted(ids.items())
        if len(several) > 1
    ]
    found.out_of_order += [
        f"event {event.sequence} came to {agency} too late" for event in _late(came)
    ]


def _late(came: Iterable[Heard]) -> Iterable[Heard]:
    last: dict[str, int] = defaultdict(int)
    known: set[int] = set()
    for event in came:
        if event.type in URGENT or event.sequence in known:
            continue
        known.add(event.sequence)
        if event.sequence < last[event.subject]:
            yield event
        last[event.subject] = max(last[event.subject], event.sequence)


async def _tasks(found: Loops, figures: Figures, supervisor: Desk) -> dict[str, Document]:
    """The tasks of all referrals that crews typed, by id, as a supervisor reads them."""
    told: dict[str, Document] = {}
    for encounter in sorted({one["encounter_id"] for one in figures.referrals.values()}):
        answer = await supervisor.get(f"/api/v1/encounters/{encounter}/referrals")
        told |= {referral["id"]: referral for referral in answer["referrals"]}
    tasks: dict[str, Document] = {}
    for id, typed in figures.referrals.items():
        there = {task["id"]: task for task in (told.get(id) or {}).get("tasks", [])}
        tasks |= there
        found.lost += [
            f"referral {id} does not ask whom it was to ask"
            for item in typed["asked"]
            if item["id"] not in there
        ]
    found.sent = sum(bool(task["sent_at"]) for task in tasks.values())
    found.answered = sum(bool(task["answered_at"]) for task in tasks.values())
    return tasks


async def _settled(agency: Agency) -> list[Document]:
    """Its events, once none of them is on its way any more."""
    ends = time.monotonic() + DELIVERED_SECONDS
    while True:
        made = await agency.log()
        on_their_way = any(event["state"] == "pending" for event in made)
        if not on_their_way or time.monotonic() > ends:
            return made
        await asyncio.sleep(LOOK_SECONDS)
