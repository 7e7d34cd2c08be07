"""One local database on a tablet, in somebody's hands: the reference client over a bad radio."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import orjson

from apps.assignments.codes import HEARD
from apps.simulator.radio import CLEAR, Conditions, Radio
from apps.simulator.tablet.media import Media
from apps.simulator.tablet.store import Document, Edit, Store
from apps.simulator.tablet.tablet import Tablet
from tests.factories import EnrolledTablet
from tests.oracle import faults
from tests.oracle.words import is_uuid

POOR = Conditions(
    lost_answers=0.2, duplicates=0.2, reordered=0.3, longest_delay=0.05, lost_frames=0.3
)
LOST = Conditions(lost_answers=1.0)
SOME_FRAMES, NO_FRAMES = Conditions(lost_frames=0.5), Conditions(lost_frames=1.0)
# How far the tablets' clocks are off.
CLOCKS = (timedelta(hours=3), timedelta(0), timedelta(hours=-3), timedelta(minutes=20))


@dataclass(frozen=True)
class Rooms:
    """The collections that a tablet has, in the order in which it pulls them. `pushable` ones are
    typed on it, `append_only` are those of them that are written once; the others are merged.
    `shared` is everyone's. `old`, `today`: the versions of the schemas that the app of last year
    was built for, and today's."""

    collections: tuple[str, ...]
    pushable: tuple[str, ...]
    append_only: tuple[str, ...]
    shared: str
    old: int
    today: int

    @property
    def merged(self) -> tuple[str, ...]:
        return tuple(name for name in self.pushable if name not in self.append_only)


def app(
    rooms: Rooms,
    url: str,
    path: Path | str,
    radio: Radio,
    *,
    label: str = "",
    schema: int | None = None,
    mode: str = "frames",
    clock: timedelta = timedelta(0),
    photos: Path | str = ":memory:",
) -> Tablet:
    """The reference client, with these collections."""
    return Tablet(
        label=label,
        base_url=url,
        path=path,
        photos=photos,
        link=radio,
        dice=random.Random(label),
        clock_offset=clock,
        collections=rooms.collections,
        pushable=rooms.pushable,
        append_only=rooms.append_only,
        schema=rooms.today if schema is None else schema,
        mode=mode,
    )


@dataclass
class Held:
    """`number` is its tablet's. `mode` of its sockets. `happened`: see `faults`.

    `pending`: the words of each document that this database may still replace unseen, because the
    server has not answered for them.
    """

    name: str
    rooms: Rooms
    number: int
    of: EnrolledTablet
    url: str
    folder: Path
    dice: random.Random
    mode: str
    schema: int
    happened: Counter[str] = field(default_factory=Counter)
    pending: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    past: dict[str, list[Document]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start(CLEAR, CLOCKS[self.number % len(CLOCKS)])
        self.store.enrolled(self.of.token)

    def start(self, conditions: Conditions, clock: timedelta) -> None:
        """The app is started, on its file."""
        self.radio = Radio(random.Random(self.dice.random()), conditions, self.happened)
        self.client = app(
            self.rooms,
            self.url,
            self.folder / f"{self.name}.sqlite",
            self.radio,
            label=self.name,
            schema=self.schema,
            mode=self.mode,
            clock=clock,
            photos=self.folder / f"{self.name}.photos",
        )
        settle = self.client.replication.settle

        def settled(edits: Sequence[Edit], answers: Mapping[str, Document]) -> None:
            self._count_refused(edits, answers)
            settle(edits, answers)

        self.client.replication.settle = settled  # type: ignore[method-assign]

    def _count_refused(self, edits: Sequence[Edit], answers: Mapping[str, Document]) -> None:
        refused = [one for one in answers.values() if one.get("sync_status")]
        self.happened[faults.REFUSED] += len(refused)
        if refused and len(answers) < len(edits):
            self.happened[faults.REFUSED_AMONG] += 1

    async def close(self) -> None:
        await self.client.close()

    async def restart(self) -> None:
        """The app is killed and started anew, perhaps after somebody has set the clock."""
        self.happened[faults.RESTARTED] += bool(self.store.unsent(1))
        await self.close()
        self.start(self.radio.conditions, self.dice.choice(CLOCKS))

    async def run(self) -> None:
        """All of it, until it is cancelled."""
        await self.client.run()

    @property
    def media(self) -> Media:
        return self.client.media

    @property
    def store(self) -> Store:
        return self.client.store

    @property
    def schema_known(self) -> int:
        return self.client.wire.schema

    def served(self) -> None:
        """It had its answers: what is noteworthy of that."""
        offset = abs(self.client.device.offset)
        self.happened[faults.WRONG_CLOCK] += offset >= timedelta(hours=3)
        self.happened[faults.OLD_APP] += self.schema < self.rooms.today

    def here(self) -> set[tuple[str, str]]:
        """The documents that it holds; ids that are none stay, as no tombstone can name them: no
        client makes such ids."""
        return {
            (name, one["id"])
            for name in self.rooms.collections
            for one in self.store.documents(name)
            if is_uuid(one["id"])
        }

    def unsettled(self, *states: str) -> set[tuple[str, str]]:
        """The documents with an edit in one of these states of the outbox."""
        marks = ", ".join("?" * len(states))
        return set(
            self.store._db.execute(
                f"select collection, id from outbox where state in ({marks})",
                states,
            ).fetchall()
        )

    def banners(self) -> set[tuple[str, str]]:
        """The calls for help that were taken from here and have not come back."""
        rows = self.store._db.execute("select id, body from document where sent").fetchall()
        return {("facts", id) for id, body in rows if orjson.loads(body).get("event") in HEARD}

    def texts(self, collections: Sequence[str]) -> list[str]:
        """All that lies on it in these, as it is kept."""
        rows = self.store._db.execute("select collection, body from document where not deleted")
        return [body.decode() for name, body in rows if name in collections]
