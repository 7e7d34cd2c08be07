"""The smoke's verdict is worth something: what goes wrong on a tablet or on the server is seen.

Real tablets, a real server; each test spoils one thing behind their backs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
import pytest

from apps.people.ids import encounter_id, record_id
from apps.simulator.figures import Figures
from apps.simulator.screen import radio
from apps.simulator.smoke import summary
from apps.simulator.verify import Findings, verify
from tests.functional.dispatch.street import PATIENCE, Held, Street, connected, on_duty, until
from tests.processes import Server

pytestmark = pytest.mark.django_db(transaction=True)

Spoil = Callable[[Street, Figures, str], Awaitable[None]]


@pytest.fixture
def judged(standing_server: Server) -> Callable[[Spoil], Findings]:
    """Plays one call, on which nobody is found, spoils something, and verifies. What a supervisor's
    tablet would show, that of the first responder shows here."""
    cast, url = on_duty(CARE21=2), standing_server.url

    async def judge(spoil: Spoil) -> Findings:
        async with connected(cast, tablets_at=url, cad_at=url) as street:
            figures = Figures()
            tablets = [held.tablet for held in street.tablets["CARE21"]]
            for tablet in tablets:
                figures.watch(tablet)
            figures.has_posted("1", care=True)
            id = await street.given("1")
            tablets[0].tap("acknowledged", id, call_revision=1)
            tablets[1].tap("on_scene", id)
            tablets[1].tap("unable_to_locate", id, disposition="14")
            await until(lambda: at_rest(street.tablets["CARE21"]), "everything is told")
            await spoil(street, figures, id)
            async with asyncio.timeout(8 * PATIENCE):
                return await verify(
                    figures=figures,
                    tablets=tablets,
                    desk=street.desk,
                    base_url=url,
                    supervisor=street.desk,
                    reader=tablets[0],
                )

    return lambda spoil: asyncio.run(judge(spoil))


def at_rest(crew: list[Held]) -> bool:
    """Nothing is unsent or to be asked for, and both have the call and all facts back from the
    server."""

    def has_all(held: Held) -> bool:
        facts = held.tablet.store.documents("facts")
        events = [fact["event"] for fact in facts if "order" in fact]
        told = {"acknowledged", "on_scene", "unable_to_locate", "received"} <= set(events)
        return told and events.count("received") == 2 and held.call("1")["state"] == "closed"

    return all(held.quiet and has_all(held) for held in crew)


def test_a_shift_without_a_fault_is_clean(judged: Callable[[Spoil], Findings]) -> None:
    async def nothing(street: Street, figures: Figures, id: str) -> None:
        pass

    findings = judged(nothing)
    assert findings.clean, findings
    assert len(findings.assignments) == 1


def test_a_tap_that_is_withheld_is_lost_and_diverges(judged: Callable[[Spoil], Findings]) -> None:
    async def withhold(street: Street, figures: Figures, id: str) -> None:
        held = street.tablets["CARE21"][0]
        held.radio.lose_coverage()
        tap = held.tablet.tap("contact_made", id)
        held.tablet.store._db.execute("delete from outbox where id = ?", [tap["id"]])
        held.radio.regain_coverage()
        await until(lambda: held.tablet.status.live, "back in coverage")

    findings = judged(withhold)
    [lost] = findings.lost
    assert "(contact_made)" in lost
    assert "is not on the server" in lost
    assert findings.diverged
    assert not findings.clean


def test_a_tap_that_is_stored_otherwise_than_typed_is_lost(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def retype(street: Street, figures: Figures, id: str) -> None:
        fact, (label, tap) = next(
            (fact, typed)
            for fact, typed in figures.taps.items()
            if typed[1]["event"] == "acknowledged"
        )
        figures.taps[fact] = (label, {**tap, "data": {"call_revision": 7}})

    [lost] = judged(retype).lost
    assert "is not as it was typed" in lost


def test_a_sentence_that_stands_nowhere_is_lost(judged: Callable[[Spoil], Findings]) -> None:
    async def write(street: Street, figures: Figures, id: str) -> None:
        held = street.tablets["CARE21"][0]
        encounter = encounter_id(UUID(id))
        note = str(record_id(encounter, "case_note"))
        typed = {"id": note, "assignment_id": id, "encounter_id": str(encounter)}
        held.tablet.save("case_notes", {**typed, "narrative": "Sat by the wall."})
        figures.wrote("case_notes", note, "Sat by the wall.")
        figures.wrote("case_notes", note, "Would not say why.")
        await until(lambda: all(one.quiet for one in street.tablets["CARE21"]), "it is sent")

    findings = judged(write)
    [lost] = findings.texts_lost
    assert "stands nowhere" in lost
    assert not findings.clean


def test_a_call_that_is_not_over_or_has_no_record_is_owed(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def leave(street: Street, figures: Figures, id: str) -> None:
        figures.has_posted("2", care=True)
        figures.has_posted("3", care=True)
        met, _ = await street.given("2"), await street.given("3")
        tablet = street.tablets["CARE21"][0].tablet
        tablet.tap("contact_made", met)
        tablet.tap("cleared", met, disposition="18")
        crew = street.tablets["CARE21"]
        await until(lambda: all(one.call("2")["state"] == "closed" for one in crew), "it is over")
        await until(lambda: all(one.quiet for one in crew), "all is told")

    findings = judged(leave)
    assert sorted(line.partition(" of CARE21 ")[2] for line in findings.owed) == [
        "has no record",
        "is not over",
    ]
    assert not findings.clean
    assert summary(Figures(), findings)["records_per_dispatch"] == 0.333


def test_a_note_with_a_code_that_nobody_knows_is_flagged(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def write(street: Street, figures: Figures, id: str) -> None:
        crew, encounter = street.tablets["CARE21"], encounter_id(UUID(id))
        note = str(record_id(encounter, "case_note"))
        here = {"assignment_id": id, "encounter_id": str(encounter)}
        typed = {"id": note, **here, "presenting_needs": ["puzzlement"]}
        crew[0].tablet.save("case_notes", typed)

        def flagged() -> bool:
            return bool((crew[0].tablet.store.get("case_notes", note) or {}).get("flags"))

        await until(flagged, "it came back with its flag")
        await until(lambda: all(one.quiet for one in crew), "all is told")

    findings = judged(write)
    [line] = findings.flagged
    assert line.endswith(" is flagged unknown_code:presenting_needs")
    assert not findings.clean


def test_a_fact_that_nobody_typed_is_a_duplicate(judged: Callable[[Spoil], Findings]) -> None:
    async def forget(street: Street, figures: Figures, id: str) -> None:
        fact = next(id for id, (_, tap) in figures.taps.items() if tap["event"] == "on_scene")
        del figures.taps[fact]

    [duplicate] = judged(forget).duplicated
    assert "(on_scene) was never typed" in duplicate


def test_a_changed_a_missing_and_a_kept_document_diverge(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def spoil(street: Street, figures: Figures, id: str) -> None:
        first, second = (held.tablet.store for held in street.tablets["CARE21"])
        changed = {**(first.get("assignments", id) or {}), "address": "ELSEWHERE"}
        first._db.execute("update document set body = ? where id = ?", [orjson.dumps(changed), id])
        second._db.execute("delete from document where collection = 'assignments'")
        kept = {"id": "kept", "state": "closed"}
        second._db.execute(
            "insert into document (collection, id, body) values ('reference', 'kept', ?)",
            [orjson.dumps(kept)],
        )

    findings = judged(spoil)
    assert any("has another assignments" in line for line in findings.diverged)
    assert any("lacks assignments" in line for line in findings.diverged)
    assert any("still has reference kept" in line for line in findings.diverged)
    assert len(findings.diverged) == 3
    assert not findings.lost


def test_a_call_that_came_to_nobody_or_to_one_tablet_only_is_lost(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def spoil(street: Street, figures: Figures, id: str) -> None:
        figures.has_posted("2", care=True)
        del figures.deliveries[id, street.tablets["CARE21"][1].tablet.label]

    lost = judged(spoil).lost
    assert "call 2 has no assignment" in lost
    assert any("never came to CARE21" in line for line in lost)
    assert len(lost) == 2


def test_more_calls_than_one_page_are_all_looked_at(judged: Callable[[Spoil], Findings]) -> None:
    async def look(street: Street, figures: Figures, id: str) -> None:
        for number in ("2", "3"):
            await street.given(number)
        async with asyncio.timeout(PATIENCE):
            rows = await street.desk.pages("/api/v1/assignments", limit=1)
        assert sorted(row["cad_number"] for row in rows) == ["1", "2", "3"]

    judged(look)


def test_what_was_refused_is_shown_as_kept_on_the_tablet_that_holds_it(
    judged: Callable[[Spoil], Findings],
) -> None:
    typed: list[str] = []

    async def refuse(street: Street, figures: Figures, id: str) -> None:
        tablet = street.tablets["CARE21"][0].tablet
        typed.append(tablet.tap("no such event", id)["id"])
        await until(lambda: tablet.status.kept, "it came back in the quarantine")
        assert tablet.status.outbox.refused == 1

    findings = judged(refuse)
    [line] = findings.kept
    assert line.startswith("CARE21 ")
    assert f"facts {typed[0]}: the whole row (refused)" in line
    assert not findings.diverged


def test_a_tablet_that_waits_for_the_operator_of_a_restored_server_is_named(
    judged: Callable[[Spoil], Findings],
) -> None:
    async def put_back(street: Street, figures: Figures, id: str) -> None:
        tablet = street.tablets["CARE21"][0].tablet
        tablet.store.has_seen("999999999999.1")  # a commit that this server does not have
        tablet.refresh()
        await until(lambda: tablet.status.put_back, "it is told so")
        assert radio(tablet.status, covered=True).plain == "put back"

    findings = judged(put_back)
    [line] = findings.diverged
    assert "is served nothing: the server was put back in time" in line
