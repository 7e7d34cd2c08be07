"""What the demo's screen tells as news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.simulator.figures import Figures
from apps.simulator.tablet.store import Document


def alert(id: str, raised_at: datetime) -> Document:
    state = {"state": "open", "acknowledged_by": None}
    return {"id": id, "unit": id, "kind": "assist", "raised_at": raised_at.isoformat(), **state}


def test_alerts_of_an_earlier_run_are_there_and_are_no_news() -> None:
    figures = Figures()
    now = datetime.now(UTC)
    figures.heard_alert(alert("CARE21", now - timedelta(hours=1)))
    figures.heard_alert(alert("CARE22", now + timedelta(seconds=1)))
    assert set(figures.alerts) == {"CARE21", "CARE22"}
    assert [line.text for line in figures.log] == ["CARE22: alert, assist"]
