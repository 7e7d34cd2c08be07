"""A tablet that was shut out and enrolled anew goes on in the same file, as a new writer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from apps.simulator.tablet.store import Store
from tests.unit.simulator.scripted import AT, EPOCH, OTHER_EPOCH, Answer, Rig, answered, page

CONFLICT = {"code": "conflict", "detail": "Sync-Instance belongs to another tablet."}


def anothers(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx2.Response(409, json=CONFLICT, headers=named)


def shut_out(rig: Rig) -> str:
    """The tablet as it was shut out: a call that it was sent, a fact that was refused, one that was
    set aside and one that is not sent, and what it has dropped and seen. Its name."""
    store = rig.store
    store.follow(EPOCH)
    call = {"id": "a1", "rev": 1, "_deleted": False}
    store.take("assignments", [call, {**call, "id": "a2"}], prev=None, checkpoint="1", at=AT)
    store.take("assignments", [{"id": "a2", "_deleted": True}], prev="1", checkpoint="2", at=AT)
    store.has_seen("9.1")
    store.signed_in("one")
    for id in ("refused", "aside", "unsent"):
        store.save("facts", {"id": id, "event": "en_route"}, at=AT)
    first, second, _ = store.unsent(50)
    store.settle([first], {"refused": {**first.document, "sync_status": "refused"}}, at=AT)
    store.set_aside(second, "400")
    assert store.purges()
    return str(store.instance)


def test_what_is_unsent_moves_over_as_it_was_and_nothing_else_does() -> None:
    rig = Rig(anothers(), page(checkpoint="1", head="3.1"))
    former, before = shut_out(rig), rig.store.unsent(50)
    asyncio.run(rig.replication.pull("assignments"))
    store = rig.store
    first, second = (request.headers for request in rig.server.requests)
    assert (first["Sync-Instance"], first["Sync-Seen"]) == (former, "9.1")
    assert second["Sync-Instance"] == str(store.instance) != former
    assert "Sync-Seen" not in second
    assert "checkpoint" not in rig.server.requests[1].url.params
    assert store.documents("assignments") == []
    assert (store.purges(), store.epoch) == ([], EPOCH)
    assert [d["id"] for d in store.documents("facts")] == ["aside", "unsent"]
    assert store.unsent(50) == before
    assert before[0].document["editor"] == former
    assert set(rig.replication.wanted) == {"assignments", "facts"}


def test_a_new_save_has_a_new_name_and_no_older_one_is_taken_for_it() -> None:
    """It was typed on while the one of before was on its way."""
    rig = Rig()
    former = shut_out(rig)
    rig.store.begin_as_new()
    on_its_way = rig.store.unsent(50)
    typed = rig.store.save("facts", {"id": "unsent", "event": "staged"}, at=AT)
    assert typed["editor"] == str(rig.store.instance) != former
    rig.store.settle(on_its_way, {}, at=AT)
    assert [edit.document for edit in rig.store.unsent(50)] == [typed]


def test_that_several_hear_of_it_makes_one_new_database() -> None:
    rig = Rig(anothers(), anothers(), page(checkpoint="1"), page(checkpoint="1"))
    shut_out(rig)
    answer, met = rig.server.handle_async_request, asyncio.Barrier(2)

    async def together(request: httpx2.Request) -> httpx2.Response:
        """Two requests are on their way before either is answered."""
        await met.wait()
        return await answer(request)

    async def both() -> None:
        rig.server.handle_async_request = together  # type: ignore[method-assign]
        await asyncio.gather(*(rig.replication.pull(one) for one in ("assignments", "facts")))

    asyncio.run(both())
    names = [request.headers["Sync-Instance"] for request in rig.server.requests]
    assert len(set(names)) == 2
    assert names[2] == names[3] == str(rig.store.instance)


def test_what_it_has_not_sent_is_told_of_the_new_one() -> None:
    rig = Rig(answered(None), anothers(), page(checkpoint="1"), answered(None))
    shut_out(rig)

    async def go_on() -> None:
        rig.store.purges_told(rig.store.purges())
        await rig.replication.tell()
        await rig.replication.pull("assignments")
        await rig.replication.tell()

    asyncio.run(go_on())
    told = [one for one in rig.server.requests if one.url.path.endswith("/outbox")]
    assert [one.headers["Sync-Instance"] for one in told] == [
        rig.server.requests[0].headers["Sync-Instance"],
        str(rig.store.instance),
    ]


def test_in_another_history_all_of_it_goes_out_first() -> None:
    """The server was put back as well: what it may have lost is not dropped before it was sent."""
    other = {"epoch": OTHER_EPOCH}
    rig = Rig(anothers(Sync_Epoch=OTHER_EPOCH), anothers(), page(checkpoint="1", **other))
    former = shut_out(rig)
    asyncio.run(rig.replication.pull("assignments"))
    assert (str(rig.store.instance) != former, rig.store.epoch) == (True, OTHER_EPOCH)
    assert {edit.id for edit in rig.store.unsent(50)} == {"refused", "aside", "unsent"}
    assert rig.store.owes
    assert {edit.document["author_id"] for edit in rig.store.unsent(50)} == {"one"}


def test_the_file_is_the_new_database_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "tablet")
    former, claim = str(store.instance), store.claim
    store.enrolled("cft_first")
    assert store.claim != claim, "the next enrolment is another one"
    store.save("facts", {"id": "f1", "event": "en_route"}, at=AT)
    store.begin_as_new()
    store.close()
    again = Store(tmp_path / "tablet")
    assert again.writers == {former, str(again.instance)}
    assert [edit.document["editor"] for edit in again.unsent(50)] == [former]
    again.close()
