"""What happened, as people and machines on the street saw it. Nothing here was asked of the server.

Times are readings of `time.monotonic()`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from apps.simulator.journal import Journal
from apps.simulator.mailbox import Mail
from apps.simulator.tablet.device import stamp
from apps.simulator.tablet.emergency import Banner
from apps.simulator.tablet.store import Document
from apps.simulator.tablet.tablet import Tablet

# What a reminder of each level means.
RISEN: Final = {1: "is due", 2: "is overdue", 3: "was missed: the supervisors know"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """An assignment that has come to a tablet for the first time.

    `seconds` since the CAD began to post the call, None where the call was not the reason (the
    tablet got it later, by reassignment). `live`: over an open socket that was up all the while.
    """

    assignment: str
    tablet: str
    seconds: float | None
    live: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the running log, for a person."""

    at: float
    kind: str
    text: str


@dataclass
class Figures:
    """The counts of one run."""

    began_at: str = field(default_factory=lambda: stamp(datetime.now(UTC)))
    posted: dict[str, float] = field(default_factory=dict)  # CAD event number -> first attempt
    with_care: set[str] = field(default_factory=set)  # numbers of calls that named a CARE unit
    deliveries: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    taps: dict[str, tuple[str, Document]] = field(default_factory=dict)  # fact -> tablet, document
    records: set[str] = field(default_factory=set)  # ids of what is no tap: notes, doses, people
    sentences: dict[str, tuple[str, str]] = field(default_factory=dict)  # -> collection, document
    referrals: dict[str, Document] = field(default_factory=dict)  # by id, as crews typed them
    answered: set[str] = field(default_factory=set)  # tasks, as tablets show them
    follow_ups: Journal = field(default_factory=Journal)
    digests: dict[str, str] = field(default_factory=dict)  # mails by their id -> whose they are
    signed: set[str] = field(default_factory=set)  # notes
    acknowledged: set[str] = field(default_factory=set)
    escalated: dict[str, int] = field(default_factory=dict)  # assignment -> highest alarm level
    alerts: dict[str, Document] = field(default_factory=dict)
    banners: dict[str, list[Banner]] = field(default_factory=dict)
    log: deque[Line] = field(default_factory=lambda: deque(maxlen=200))

    def say(self, kind: str, text: str) -> None:
        self.log.append(Line(time.monotonic(), kind, text))

    def watch(self, tablet: Tablet) -> None:
        """Count what this tablet hears and types from now on."""
        tablet.heard.append(self._heard)
        tablet.typed.append(self._typed)

    def has_posted(self, number: str, *, care: bool) -> None:
        """The CAD is about to post a call for the first time."""
        self.posted.setdefault(number, time.monotonic())
        if care:
            self.with_care.add(number)

    def heard_alert(self, document: Document) -> None:
        """A desk has an alert on its screen. Those of an earlier run are there, and are no news."""
        known = self.alerts.get(document["id"])
        self.alerts[document["id"]] = document
        if known is None:
            if datetime.fromisoformat(document["raised_at"]) >= datetime.fromisoformat(
                self.began_at
            ):
                self.say("alert", f"{document['unit']}: alert, {_about(document)}")
        elif document["state"] == "acknowledged" != known["state"]:
            by = document["acknowledged_by"]
            self.say("answer", f"{document['unit']}: {by} answers the alert")

    def saw_banner(self, tablet: Tablet, fact: Document, banner: Banner) -> None:
        self.banners.setdefault(fact["id"], []).append(banner)
        self.say("banner", f"{tablet.label}: {banner.text}")

    @property
    def alarmed(self) -> int:
        """Calls that nobody acknowledged in time, so that somebody else was alarmed."""
        return sum(level > 0 for level in self.escalated.values())

    def latencies(self, *, live: bool = False) -> list[float]:
        """Milliseconds from posting to the tablet, sorted; of those over an open socket only."""
        return sorted(
            delivery.seconds * 1000
            for delivery in self.deliveries.values()
            if delivery.seconds is not None and (delivery.live or not live)
        )

    def _heard(self, tablet: Tablet, collection: str, documents: Sequence[Document]) -> None:
        if collection == "case_notes":
            self.signed |= {one["id"] for one in documents if one.get("signed_at")}
        if collection == "referrals":
            self._heard_answers(tablet, documents)
        if collection == "follow_ups":
            self._heard_follow_ups(tablet, documents)
        if collection != "assignments":
            return
        for document in documents:
            if document.get("_deleted") or "call_revision" not in document:
                continue
            if alarm := document["alarm"]:
                level = max(alarm["level"], self.escalated.get(document["id"], 0))
                self.escalated[document["id"]] = level
            key = (document["id"], tablet.label)
            if key not in self.deliveries:
                self.deliveries[key] = self._delivery(tablet, document)

    def _heard_answers(self, tablet: Tablet, documents: Sequence[Document]) -> None:
        """What a partner said is on a responder's tablet."""
        for task in (task for one in documents for task in one.get("tasks") or ()):
            if task["answered_at"] and task["id"] not in self.answered:
                self.answered.add(task["id"])
                self.say("partner", f"{tablet.label}: {task['partner']}, {words(task['status'])}")

    def _heard_follow_ups(self, tablet: Tablet, documents: Sequence[Document]) -> None:
        for one in self.follow_ups.heard(tablet, documents):
            if one.state == "open" and one.level:
                self.say("follow_up", f"{tablet.label}: follow-up {RISEN[one.level]}")

    def got_digest(self, name: str, mail: Mail) -> None:
        """A supervisor has mail: how many follow-ups their team has missed."""
        if mail.id not in self.digests:
            self.digests[mail.id] = name
            self.say("follow_up", f"{name} has mail: {mail.text.partition(chr(10))[0]}")

    def _delivery(self, tablet: Tablet, document: Document) -> Delivery:
        now = time.monotonic()
        posted = self.posted.get(document["cad_number"] or "")
        late = posted is None or document["former_units"]
        up_since = tablet.live_since
        return Delivery(
            document["id"],
            tablet.label,
            None if late or posted is None else now - posted,
            posted is not None and up_since is not None and up_since < posted,
        )

    def wrote(self, collection: str, id: str, sentence: str) -> None:
        """A crew has written a sentence into a document."""
        self.sentences[sentence] = (collection, id)

    def _typed(self, tablet: Tablet, fact: Document) -> None:
        if fact.get("kind") != "assignment_event":
            self.records.add(fact["id"])
            if "asked" in fact:
                self.referrals[fact["id"]] = fact
            self._typed_of_follow_up(tablet, fact)
            return
        self.taps[fact["id"]] = (tablet.label, fact)
        if fact["event"] == "acknowledged":
            self.acknowledged.add(fact["assignment_id"])
        if fact["event"] != "received":
            self.say("tap", f"{tablet.label}: {words(fact['event'])}")

    def _typed_of_follow_up(self, tablet: Tablet, document: Document) -> None:
        kind = document.get("kind")
        if kind in {"follow_up_event", "follow_up_agreement"}:
            self.follow_ups.typed[document["id"]] = "facts", document
        elif "find" in document:
            self.follow_ups.typed[document["id"]] = "follow_ups", document
        if kind == "follow_up_event" and document["event"] == "attempted":
            self.say("tap", f"{tablet.label}: follow-up, {words(document['result'])}")


def _about(alert: Document) -> str:
    if alert["kind"] != "check_in":
        return words(alert["kind"])
    signal = alert["signal"]
    if signal is None:
        return "no check-in, did not answer"
    return f"no check-in, no signal for {alert['counted']['no_signal_s']} s at {signal['place']}"


def words(code: str) -> str:
    """A code as a person reads it."""
    return code.replace("_", " ")


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of sorted values does not exceed; None for none."""
    if not values:
        return None
    return values[min(len(values) - 1, int(share * len(values)))]
