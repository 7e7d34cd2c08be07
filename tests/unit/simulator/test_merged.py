"""A document that several people change: what an edit is typed on goes with it, and nothing that
comes meanwhile takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.simulator.tablet.store import Document, Edit, Store
from tests.unit.simulator.scripted import AT


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(":memory:", pushable=("pages",))
    yield store
    store.close()


def pull(store: Store, *documents: Document) -> None:
    start = store.checkpoint("pages")
    step = f"{int(start or 0) + 1}"
    assert store.take("pages", documents, prev=start, checkpoint=step, at=AT)


def page(text: str, rev: int, **more: Any) -> Document:
    return {"id": "p", "text": text, "rev": rev, "_deleted": False, "editor": "others", **more}


def type_(store: Store, text: str, **more: Any) -> Document:
    return store.save("pages", {**(store.get("pages", "p") or {"id": "p"}), "text": text}, at=AT)


def unsent(store: Store) -> Edit:
    (edit,) = store.unsent(50)
    return edit


def shown(store: Store) -> str | None:
    document = store.get("pages", "p")
    return document["text"] if document else None


def test_an_edit_has_no_counter_of_facts(store: Store) -> None:
    assert "counter" not in type_(store, "A")


def test_an_edit_goes_with_the_state_that_it_was_typed_on(store: Store) -> None:
    pull(store, page("A", 3))
    type_(store, "A mine")
    type_(store, "A mine, more")
    assert unsent(store).document["text"] == "A mine, more"
    assert unsent(store).assumed == page("A", 3)


def test_what_others_wrote_meanwhile_is_shown_after_the_answer_and_is_never_the_base(
    store: Store,
) -> None:
    pull(store, page("A", 3))
    type_(store, "A mine")
    pull(store, page("A theirs", 4))
    assert shown(store) == "A mine"
    edit = unsent(store)
    assert edit.assumed == page("A", 3)
    store.settle([edit], {"p": page("A theirs mine", 5)}, at=AT)
    assert shown(store) == "A theirs mine"
    assert store.unsent(50) == []


def test_what_was_typed_on_before_the_merged_answer_keeps_the_base_that_was_sent(
    store: Store,
) -> None:
    pull(store, page("A", 3))
    type_(store, "A mine")
    sent = unsent(store)
    type_(store, "A mine, more")
    store.settle([sent], {"p": page("A theirs mine", 5)}, at=AT)
    edit = unsent(store)
    assert edit.document["text"] == "A mine, more"
    assert edit.assumed is not None
    assert edit.assumed["text"] == "A mine"  # over the merged text it would undo what others wrote
    store.settle([edit], {"p": page("A theirs mine, more", 6)}, at=AT)
    assert shown(store) == "A theirs mine, more"


def test_what_came_after_the_push_and_before_its_answer_stands(store: Store) -> None:
    pull(store, page("A", 3))
    type_(store, "A mine")
    sent = unsent(store)
    pull(store, page("A mine theirs", 5))
    store.settle([sent], {}, at=AT)
    assert shown(store) == "A mine theirs"


def test_what_comes_again_after_a_withdrawal_was_not_overtaken(store: Store) -> None:
    """It has the revision that it had: others have written since what was sent from here."""
    type_(store, "A")
    sent = unsent(store)
    pull(store, page("A theirs", 2))
    type_(store, "B")
    store.settle([sent], {}, at=AT)
    pull(store, {"id": "p", "_deleted": True})
    pull(store, page("A theirs", 2))
    store.settle([unsent(store)], {"p": page("A theirs B", 3)}, at=AT)
    assert shown(store) == "A theirs B"


def test_what_came_again_before_an_answer_withdraws_it_is_asked_for_anew(store: Store) -> None:
    """The push was judged in between: no later page would bring it."""
    pull(store, page("A", 1))
    type_(store, "A mine")
    pull(store, {"id": "p", "_deleted": True})
    pull(store, page("A", 1))
    assert store.settle([unsent(store)], {"p": {"id": "p", "_deleted": True}}, at=AT)
    assert (shown(store), store.checkpoint("pages")) == (None, None)
    pull(store, page("A", 1))
    assert shown(store) == "A"


def test_nothing_older_is_shown_after_an_answered_push(store: Store) -> None:
    pull(store, page("A", 3))
    type_(store, "A mine")
    store.settle([unsent(store)], {}, at=AT)
    pull(store, page("A", 3))
    assert shown(store) == "A mine"
    pull(store, page("A mine", 4))
    pull(store, page("A", 5))
    assert shown(store) == "A"


def test_an_edit_that_says_what_holds_already_has_the_revision_of_that(store: Store) -> None:
    pull(store, page("A", 2))
    first = type_(store, "B")
    type_(store, "B")
    pull(store, {**first, "rev": 4})  # the first came there, its answer was lost
    store.settle([unsent(store)], {}, at=AT)
    document = store.get("pages", "p")
    assert document is not None
    assert (document["text"], document["rev"]) == ("B", 4)


def test_a_deletion_leaves_the_screen_at_once_and_the_store_with_its_answer(store: Store) -> None:
    pull(store, page("A", 3))
    store.delete("pages", "p", at=AT)
    assert store.documents("pages") == []
    edit = unsent(store)
    assert edit.document["_deleted"] is True
    assert edit.assumed == page("A", 3)
    store.settle([edit], {}, at=AT)
    assert store.empty


def test_a_deletion_of_what_others_have_changed_brings_the_document_back(store: Store) -> None:
    pull(store, page("A", 3))
    store.delete("pages", "p", at=AT)
    store.settle([unsent(store)], {"p": page("A theirs", 4)}, at=AT)
    assert shown(store) == "A theirs"
    assert store.unsent(50) == []


def test_who_types_on_after_a_deletion_keeps_the_document(store: Store) -> None:
    pull(store, page("A", 3))
    store.delete("pages", "p", at=AT)
    store.save("pages", {"id": "p", "text": "B"}, at=AT)
    assert "_deleted" not in unsent(store).document
    assert shown(store) == "B"


def test_a_refused_edit_that_a_pull_brings_first_is_refused_all_the_same(store: Store) -> None:
    typed = type_(store, "A")
    pull(store, {**typed, "sync_status": "quarantined", "sync_errors": ["/text: no"], "rev": 1})
    assert store.unsent(50) == []
    assert store.outbox().refused == 1
    assert store.problem("pages", "p") == ["/text: no"]


def test_an_answer_that_comes_after_the_pull_of_the_refused_text_keeps_its_revision(
    store: Store,
) -> None:
    type_(store, "A")
    sent = unsent(store)
    refused = {**sent.document, "sync_status": "quarantined", "sync_errors": ["/text: no"]}
    pull(store, {**refused, "rev": 4})
    store.settle([sent], {"p": refused}, at=AT)
    assert store.get("pages", "p") == {**refused, "rev": 4}


def test_a_correction_carries_no_marks_and_is_typed_on_the_refused_answer(store: Store) -> None:
    typed = type_(store, "A")
    answer = {**typed, "sync_status": "quarantined", "sync_errors": ["/text: no"]}
    store.settle([unsent(store)], {"p": answer}, at=AT)
    type_(store, "B")
    assert "sync_status" not in unsent(store).document
    assert unsent(store).assumed == answer
    assert store.outbox().refused == 0


def test_a_correction_that_is_refused_again_is_marked_again(store: Store) -> None:
    typed = type_(store, "A")
    refused = {**typed, "sync_status": "quarantined", "sync_errors": ["/text: no"]}
    store.settle([unsent(store)], {"p": refused}, at=AT)
    pull(store, {**refused, "rev": 3})
    type_(store, "B")
    answer = {**unsent(store).document, "sync_status": "quarantined", "sync_errors": ["/x: no"]}
    store.settle([unsent(store)], {"p": answer}, at=AT)
    assert store.get("pages", "p") == {**answer, "rev": 3}


def test_an_edit_that_is_set_aside_is_sent_again_after_it_was_mended(store: Store) -> None:
    type_(store, "A")
    store.set_aside(unsent(store), "400 invalid")
    assert store.unsent(50) == []
    assert store.problem("pages", "p") == ["400 invalid"]
    pull(store, {"id": "p", "_deleted": True})
    assert shown(store) == "A"  # nobody else has this text
    type_(store, "B")
    assert unsent(store).document["text"] == "B"
