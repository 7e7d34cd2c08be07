"""The demo's one live screen, and its plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from apps.simulator import team as cast
from apps.simulator.figures import Figures, percentile, words
from apps.simulator.shift import Shift
from apps.simulator.tablet.tablet import Tablet

LOG_LINES = 9
ALERT_LINES = 6
_COLOURS = {
    "call": "bold cyan",
    "update": "cyan",
    "tap": "white",
    "radio": "yellow",
    "alert": "bold red",
    "answer": "green",
    "banner": "magenta",
}


def header(base_url: str, password: str, scale: float) -> Panel:
    """Where to look, and who to sign in as."""
    lines = Table.grid(padding=(0, 2))
    lines.add_row("Admin", Text(f"{base_url}/admin/", style="bold underline"), _logins())
    lines.add_row(
        "API", Text(f"{base_url}/api/docs", style="bold underline"), f"password {password}"
    )
    title = f"Carefield · a shift at {scale:g} times its speed · Ctrl-C stops everything"
    return Panel(lines, title=title, border_style="blue")


def _logins() -> str:
    return ", ".join((cast.ADMINISTRATOR, *cast.SUPERVISORS, cast.DISPATCHER))


def screen(top: Panel, shift: Shift, health: str) -> RenderableType:
    """The whole screen as it stands now."""
    figures = shift.figures
    return Group(
        top,
        _counts(figures, shift, health),
        Columns([_tablets(shift), Group(_alerts(figures), _log(figures))], padding=(0, 1)),
    )


def _counts(figures: Figures, shift: Shift, health: str) -> Panel:
    live = figures.latencies(live=True)
    unsent = sum(tablet.status.outbox.unsent for tablet in shift.tablets)
    grid = Table.grid(expand=True)
    cells = {
        "calls": str(len(figures.posted)),
        "deliveries": str(len(figures.deliveries)),
        "p50": _ms(percentile(live, 0.5)),
        "p99": _ms(percentile(live, 0.99)),
        "acknowledged": str(len(figures.acknowledged)),
        "escalated": str(figures.alarmed),
        "taps": str(len(figures.taps)),
        "unsent": str(unsent),
        "system": health,
    }
    for _ in cells:
        grid.add_column(justify="center")
    grid.add_row(*(Text(value, style="bold") for value in cells.values()))
    grid.add_row(*(Text(name, style="dim") for name in cells))
    return Panel(grid, border_style="blue")


def _tablets(shift: Shift) -> Table:
    table = Table(title="Tablets (simulated)", title_style="bold", header_style="dim", box=None)
    for name, justify in (
        ("tablet", "left"),
        ("radio", "left"),
        ("calls", "right"),
        ("unsent", "right"),
        ("refused", "right"),
        ("crew", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for crew in shift.crews:
        for tablet in crew.tablets:
            outbox = tablet.status.outbox
            table.add_row(
                tablet.label,
                _radio(tablet, covered=shift.radios[tablet.label].covered),
                str(_open_calls(tablet)),
                _waiting(outbox.unsent),
                _waiting(outbox.refused),
                crew.doing if tablet is crew.tablets[0] else "",
            )
    return table


def _radio(tablet: Tablet, *, covered: bool) -> Text:
    if not covered:
        return Text("no coverage", style="bold yellow")
    status = tablet.status
    if status.shut_out:
        return Text("shut out", style="bold red")
    if status.live:
        return Text("live", style="green")
    return Text("pulling" if status.in_contact else "connecting", style="yellow")


def _waiting(number: int) -> Text:
    return Text(str(number) if number else "·", style="bold yellow" if number else "dim")


def _open_calls(tablet: Tablet) -> int:
    return sum(
        document.get("state") != "closed" for document in tablet.store.documents("assignments")
    )


def _alerts(figures: Figures) -> Table:
    table = Table(title="Alerts at the desks", title_style="bold", header_style="dim", box=None)
    for name in ("unit", "what", "answered"):
        table.add_column(name)
    latest = sorted(figures.alerts.values(), key=lambda alert: alert["raised_at"])[-ALERT_LINES:]
    for alert in reversed(latest):
        if alert["state"] == "open":
            answer = Text("waiting", style="bold red")
        elif alert["state"] == "acknowledged":
            answer = Text(f"by {alert['acknowledged_by']}", style="green")
        else:
            answer = Text("call acknowledged", style="dim")
        table.add_row(alert["unit"] or "", words(alert["kind"]), answer)
    if not latest:
        table.add_row("", Text("none yet", style="dim"), "")
    return table


def _log(figures: Figures) -> Table:
    table = Table(title="What happens", title_style="bold", show_header=False, box=None)
    now = time.monotonic()
    for line in list(figures.log)[-LOG_LINES:]:
        table.add_row(
            Text(f"{now - line.at:3.0f} s", style="dim"),
            Text(line.text[:70], style=_COLOURS[line.kind]),
        )
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def plain_line(shift: Shift, health: str) -> str:
    """The state of the shift on one line."""
    figures = shift.figures
    live = figures.latencies(live=True)
    unsent = " ".join(_unsent(shift.tablets)) or "none"
    return (
        f"calls {len(figures.posted)}  deliveries {len(figures.deliveries)} "
        f"(p50 {_ms(percentile(live, 0.5))}, p99 {_ms(percentile(live, 0.99))})  "
        f"acknowledged {len(figures.acknowledged)}  escalated {figures.alarmed}  "
        f"alerts {len(figures.alerts)}  unsent: {unsent}  system: {health}"
    )


def _unsent(tablets: Iterable[Tablet]) -> Iterable[str]:
    for tablet in tablets:
        if number := tablet.status.outbox.unsent:
            yield f"{tablet.label} {number}"
