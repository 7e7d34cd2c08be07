"""What timelines and ledgers look like as JSON."""

from __future__ import annotations

import json

from apps.assignments.timeline import (
    derive,
    handoff_document,
    history_document,
    ledger,
    timeline_document,
)
from tests.unit.assignments.facts import ALICE, TABLET_B, Story


def shift() -> Story:
    story = Story()
    story.cad("assigned", 0, entry="request_spd")
    story.tap("acknowledged", 1)
    story.police("2K3", "arrived", 5)
    story.cad("on_scene", 10)
    story.tap("on_scene", 10.5)
    story.tap("scene_secured", 11, agency="spd", unit="2K3")
    story.tap("police_released", 20.01, unit="2K3", decided_by="care", care_agreed=True)
    wrong = story.tap("transporting", 21)
    story.undo(wrong, 21.1)
    story.tap("contact_made", 12, device=TABLET_B)
    story.tap("unable_to_locate", 30)
    story.tap("cleared", 50, disposition="18", note="gave water")
    story.tap("declined", 51, agency="spd", unit="2K4", reason="no_reason")
    return story


def test_a_timeline_as_json() -> None:
    story = shift()
    document = timeline_document(derive(story.facts))
    assert json.loads(json.dumps(document)) == document
    assert document["state"] == "closed"
    assert document["closing"]["disposition"] == "18"
    assert document["closing_refused"][0]["event"] == "unable_to_locate"
    assert document["times"]["on_scene"]["at"] == "2024-05-01T19:10:00Z"
    assert document["times"]["on_scene"]["confirmed"] is True
    assert [claim["source"] for claim in document["times"]["on_scene"]["claims"]] == [
        "cad",
        "tablet",
    ]
    assert document["durations"]["assigned_to_on_scene"] == {
        "seconds": 600,
        "uncertainty_ms": 2000,
        "why": None,
    }
    assert document["durations"]["en_route_to_on_scene"]["why"] == "missing_time"
    assert document["needs_ack"] is False


def test_a_timelines_json_holds_neither_authors_nor_details() -> None:
    text = json.dumps(timeline_document(derive(shift().facts)))
    assert str(ALICE) not in text
    assert "gave water" not in text


def test_a_history_keeps_what_was_told_and_who_corrected_it() -> None:
    story = shift()
    history = history_document(derive(story.facts))
    assert json.loads(json.dumps(history)) == history
    assert len(history) == len(story.facts)
    [undone] = [entry for entry in history if not entry["counts"]]
    assert undone["told"]["event"] == "transporting"
    assert undone["corrections"] == [
        {
            "fact": str(next(fact.id for fact in story.facts if fact.event == "corrected")),
            "author_id": str(ALICE),
            "source": "tablet",
            "at": "2024-05-01T19:21:06Z",
            "reason": "mis_tap",
            "takes_back": True,
            "in_force": True,
        }
    ]


def test_a_ledger_as_json() -> None:
    document = handoff_document(ledger(shift().facts))
    assert json.loads(json.dumps(document)) == document
    police = document["police"]
    assert police["seconds_given_back"] == 1799  # 29 min 59.4 s
    assert police["arrived"]["at"] == "2024-05-01T19:05:00Z"
    assert police["units"][0]["stays"][0]["care_agreed"] is True
    assert document["scene"] == "secured"
    assert document["secured"]["unit"] == "2K3"
    assert document["fire"]["units"] == []
    assert document["declined"][0]["reason"] == "no_reason"
    assert document["requests"][0]["kind"] == "care_requested"
    assert document["care_cleared_at"] == "2024-05-01T19:50:00Z"


def test_a_ledgers_json_leads_to_no_responder() -> None:
    story = shift()
    text = json.dumps(handoff_document(ledger(story.facts)))
    assert "author" not in text
    for fact in story.facts:
        assert str(fact.id) not in text
        assert str(fact.author_id) not in text
        assert fact.device is None or str(fact.device) not in text


def test_what_is_not_known_is_null() -> None:
    assert timeline_document(derive([]))["durations"]["assigned_to_closed"]["seconds"] is None
    document = handoff_document(ledger([]))
    assert document["police"]["arrived"] is None
    assert document["police"]["seconds_given_back"] is None
    assert document["secured"] is None
