"""What a tablet remembers survives everything that can happen between a tap and its answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.simulator.tablet.store import Document, Store

AT = datetime(2026, 7, 1, 19, 30, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(":memory:")
    yield store
    store.close()


def pull(store: Store, *documents: Document, collection: str = "facts") -> None:
    start = store.checkpoint(collection)
    step = f"{int(start or 0) + 1}"
    assert store.take(collection, documents, prev=start, checkpoint=step, at=AT)


def served(document: Document, rev: int, **more: Any) -> Document:
    return {**document, "rev": rev, "_deleted": False, **more}


def gone(id: str) -> Document:
    return {"id": id, "_deleted": True}


def tap(store: Store, id: str = "f1", event: str = "en_route") -> Document:
    return store.save("facts", {"id": id, "event": event}, at=AT)


def settle(store: Store, *answers: Document) -> None:
    edits = store.unsent(50)
    store.settle(edits, {answer["id"]: answer for answer in answers}, at=AT)


def test_a_tap_is_in_the_outbox_until_the_server_has_answered(store: Store) -> None:
    fact = tap(store)
    assert [edit.document for edit in store.unsent(50)] == [fact]
    assert store.outbox().unsent == 1
    assert store.accepted_at("facts", "f1") is None
    settle(store)
    assert store.unsent(50) == []
    assert store.get("facts", "f1") == fact
    assert store.accepted_at("facts", "f1") == AT


def test_a_call_for_help_leaves_with_whoever_sent_it(store: Store) -> None:
    store.signed_in("one")
    for id in ("f1", "f2"):
        store.save("facts", {"id": id, "event": "emergency"}, at=AT, urgent=True)
    tap(store, "f3")
    settle(store)
    pull(store, served({"id": "f2", "event": "emergency"}, 3))
    store.save("facts", {"id": "f4", "event": "emergency"}, at=AT, urgent=True)
    store.signed_in("one")
    assert store.get("facts", "f1") is not None, "its banner still counts"
    store.signed_in("another")
    assert store.get("facts", "f1") is None
    assert [edit.id for edit in store.unsent(50)] == ["f4"], "what is unsent stays"
    for id in ("f2", "f3"):
        assert store.get("facts", id) is not None, "a tombstone takes it, or none comes"


def test_saves_are_numbered_in_the_order_of_the_taps_across_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "tablet")
    taps = [tap(first, "f1"), tap(first, "f2")]
    instance = first.instance
    first.close()
    second = Store(tmp_path / "tablet")
    taps.append(tap(second, "f3"))
    assert second.instance == instance
    assert [(fact["counter"], fact["edit_no"]) for fact in taps] == [(1, 1), (2, 2), (3, 3)]
    assert [edit.id for edit in second.unsent(50)] == ["f1", "f2", "f3"]
    second.close()


def test_a_batch_holds_the_oldest_taps(store: Store) -> None:
    for number in range(60):
        tap(store, f"f{number:02}")
    assert [edit.id for edit in store.unsent(50)] == [f"f{number:02}" for number in range(50)]


def test_a_page_that_does_not_continue_the_store_is_not_taken(store: Store) -> None:
    pull(store, served({"id": "a1"}, 1), collection="assignments")
    assert not store.take("assignments", [gone("a1")], prev=None, checkpoint="9", at=AT)
    assert store.get("assignments", "a1") is not None
    assert store.checkpoint("assignments") == "1"


def test_a_tombstone_purges(store: Store) -> None:
    pull(store, served({"id": "a1"}, 1), collection="assignments")
    pull(store, gone("a1"), collection="assignments")
    assert store.documents("assignments") == []


def test_a_withdrawn_document_with_an_unsent_edit_goes_with_the_answer(store: Store) -> None:
    fact = tap(store)
    pull(store, gone("f1"))
    assert store.get("facts", "f1") == fact
    settle(store)
    assert store.get("facts", "f1") is None
    assert store.outbox().unsent == 0


def test_an_answer_from_before_a_withdrawal_does_not_bring_the_document_back(store: Store) -> None:
    fact = tap(store)
    pull(store, gone("f1"))  # overtakes the answer
    settle(store, served(fact, 1))
    assert store.get("facts", "f1") is None
    assert store.outbox().unsent == 0


def test_a_refusal_from_before_a_withdrawal_does_not_keep_the_document(store: Store) -> None:
    fact = tap(store)
    pull(store, gone("f1"))  # overtakes the answer
    settle(store, {**fact, "sync_status": "quarantined"})
    assert store.get("facts", "f1") is None
    assert (store.outbox().unsent, store.outbox().refused) == (0, 0)


def test_a_correction_is_typed_on_a_refusal_from_before_a_withdrawal_too(store: Store) -> None:
    fact = tap(store)
    edits = store.unsent(50)
    pull(store, gone("f1"))
    later = tap(store, event="staged")
    answer = {**fact, "sync_status": "quarantined"}
    store.settle(edits, {"f1": answer}, at=AT)
    [edit] = store.unsent(50)
    assert (edit.document, edit.assumed) == (later, answer)
    settle(store)
    assert store.get("facts", "f1") is None


def test_an_answer_from_before_does_not_bring_back_what_has_gone(store: Store) -> None:
    fact = tap(store)
    edits = store.unsent(50)
    pull(store, served(fact, 1))  # as good as the answer, which is under way
    pull(store, gone("f1"))
    store.settle(edits, {"f1": served(fact, 1, note="of others")}, at=AT)
    assert store.get("facts", "f1") is None


def test_what_is_typed_on_after_a_withdrawal_waits_for_its_own_answer(store: Store) -> None:
    fact = tap(store)
    edits = store.unsent(50)
    pull(store, gone("f1"))
    later = store.save("facts", {"id": "f1", "event": "staged"}, at=AT)
    store.settle(edits, {"f1": served(fact, 1)}, at=AT)
    assert store.get("facts", "f1") == later
    pull(store, served(fact, 2))  # it is given back
    settle(store)
    assert store.get("facts", "f1") is not None


def test_a_tombstone_as_the_answer_to_a_push_purges(store: Store) -> None:
    tap(store)
    settle(store, gone("f1"))
    assert store.get("facts", "f1") is None
    assert store.unsent(50) == []


def test_what_the_server_stamped_replaces_the_tap_once_it_is_pulled(store: Store) -> None:
    fact = tap(store)
    settle(store)
    pull(store, served(fact, 1, author_name="A."))
    assert store.documents("facts") == [served(fact, 1, author_name="A.")]


def test_a_lost_answer_is_made_good_by_a_pull(store: Store) -> None:
    fact = tap(store)
    pull(store, served(fact, 1, author_name="A."))
    assert store.unsent(50) == []
    assert store.get("facts", "f1") == served(fact, 1, author_name="A.")
    assert store.accepted_at("facts", "f1") == AT


def test_typing_on_after_a_lost_answer_keeps_the_last_text(store: Store) -> None:
    first = tap(store, event="A")
    typed_on = tap(store, event="B")
    pull(store, served(first, 1))
    (edit,) = store.unsent(50)
    assert edit.document == typed_on
    assert edit.assumed == served(first, 1)
    assert store.get("facts", "f1") == typed_on


def test_typing_on_while_an_edit_is_on_its_way_sends_the_second_too(store: Store) -> None:
    first = tap(store, event="A")
    edits = store.unsent(50)
    second = tap(store, event="B")
    store.settle(edits, {}, at=AT)
    (edit,) = store.unsent(50)
    assert edit.document == second
    assert edit.assumed is not None
    assert edit.assumed["event"] == first["event"]


def test_the_answer_to_a_push_never_takes_back_something_newer(store: Store) -> None:
    fact = tap(store)
    edits = store.unsent(50)
    pull(store, served(fact, 3, note="newer"))
    store.settle(edits, {"f1": served(fact, 2, note="older")}, at=AT)
    assert store.get("facts", "f1") == served(fact, 3, note="newer")


def test_a_refused_edit_stays_visible_and_blocks_nothing(store: Store) -> None:
    fact = tap(store, "f1")
    tap(store, "f2")
    answer = {**fact, "sync_status": "rejected", "sync_errors": ["/event is unknown"]}
    settle(store, answer)
    assert store.get("facts", "f1") == answer
    assert store.get("facts", "f2") is not None
    assert store.unsent(50) == []
    assert (store.outbox().unsent, store.outbox().refused) == (0, 1)
    assert store.accepted_at("facts", "f1") is None


def test_a_correction_of_a_refused_edit_is_sent_with_the_answer_as_its_base(store: Store) -> None:
    fact = tap(store)
    answer = {**fact, "sync_status": "rejected"}
    settle(store, answer)
    tap(store, event="on_scene")
    (edit,) = store.unsent(50)
    assert edit.document["event"] == "on_scene"
    assert edit.assumed == answer


def test_heads_only_move_forward(store: Store) -> None:
    store.has_seen("100.7")
    store.has_seen("9.8")
    assert store.seen == "100.7"


def test_another_history_sends_everything_again_and_forgets_nothing_before(store: Store) -> None:
    store.follow("old")
    store.has_seen("40.1")
    kept, lost = tap(store, "f1"), tap(store, "f2")
    settle(store)
    pull(store, served(kept, 5), served(lost, 2))
    pull(store, served({"id": "a1"}, 4), collection="assignments")

    store.begin_again("new", at=AT)
    assert store.seen is None
    assert store.checkpoint("facts") is None
    assert [edit.id for edit in store.unsent(50)] == ["f1", "f2"]
    assert [edit.assumed for edit in store.unsent(50)] == [None, None]
    assert store.get("assignments", "a1") is not None

    settle(store)
    pull(store, served(kept, 1))
    store.complete("facts")
    store.complete("assignments")
    assert store.documents("facts") == [served(kept, 1)]
    assert store.documents("assignments") == []


def test_an_unsent_tap_survives_the_end_of_the_first_pull_of_a_history(store: Store) -> None:
    store.follow("old")
    tap(store)
    store.begin_again("new", at=AT)
    pull(store)
    store.complete("facts")
    assert store.outbox().unsent == 1
    assert store.get("facts", "f1") is not None
