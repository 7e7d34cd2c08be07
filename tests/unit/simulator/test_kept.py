"""What a tablet's screen shows of texts that were kept, and of another history."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from apps.simulator.radio import Radio
from apps.simulator.screen import radio
from apps.simulator.tablet.tablet import Tablet
from tests.unit.simulator.scripted import AT, EPOCH, OTHER_EPOCH


@pytest.fixture
def tablet() -> Iterator[Tablet]:
    made = Tablet(
        label="CARE21 left",
        base_url="http://server",
        path=":memory:",
        link=Radio(random.Random(1)),
        dice=random.Random(1),
    )
    yield made
    made.store.close()


def shown(tablet: Tablet) -> str:
    return radio(tablet.status, covered=True).plain


def test_what_nobody_has_settled_is_counted(tablet: Tablet) -> None:
    rows = [
        {"id": "1", "kind": "conflict", "status": "open", "rev": 1},
        {"id": "2", "kind": "refused", "status": "open", "rev": 1},
        {"id": "3", "kind": "conflict", "status": "kept", "rev": 1},
        {"id": "4", "rev": 1, "sync_status": "unreadable"},
    ]
    assert tablet.status.kept == 0
    assert tablet.store.take("quarantine", rows, prev=None, checkpoint="1", at=AT)
    assert tablet.status.kept == 2
    settled = {"id": "1", "kind": "conflict", "status": "stays", "rev": 2}
    assert tablet.store.take("quarantine", [settled], prev="1", checkpoint="2", at=AT)
    assert [row["id"] for row in tablet.store.kept()] == ["2"]


def test_what_is_held_is_handed_over_to_another_history(tablet: Tablet) -> None:
    tablet.store.follow(EPOCH)
    tablet.save("facts", {"id": "f1", "event": "on_scene"})
    [edit] = tablet.store.unsent(1)
    tablet.store.settle([edit], {}, at=AT)
    assert shown(tablet) == "connecting"
    tablet.store.begin_again(OTHER_EPOCH, at=AT)
    assert shown(tablet) == "handing over"
    tablet.store.settle(tablet.store.unsent(1), {}, at=AT)
    assert shown(tablet) == "connecting"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda tablet: setattr(tablet.replication, "put_back", True), "put back"),
        (lambda tablet: setattr(tablet.replication, "shut_out", True), "shut out"),
    ],
)
def test_what_holds_it_up_comes_first(
    tablet: Tablet, spoil: Callable[[Tablet], None], words: str
) -> None:
    tablet.replication.in_contact = True
    assert shown(tablet) == "pulling"
    spoil(tablet)
    assert shown(tablet) == words
    assert radio(tablet.status, covered=False).plain == "no coverage"
