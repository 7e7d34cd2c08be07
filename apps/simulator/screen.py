"""The demo's one live screen, and its plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from apps.simulator import team as cast
from apps.simulator.figures import Figures, percentile, words
from apps.simulator.shift import Shift
from apps.simulator.tablet.tablet import Status, Tablet

# Rows of a terminal: what the panels above take, and the tables' titles and headings below.
ABOVE = 10
HEADINGS = 4
ALERT_LINES = 5
FEWEST_LOG_LINES = 5
SIDE_BY_SIDE = 100  # columns; a narrower terminal has the tables below each other
_COLOURS = {
    "call": "bold cyan",
    "update": "cyan",
    "tap": "default",
    "radio": "yellow",
    "alert": "bold red",
    "answer": "green",
    "banner": "magenta",
    "partner": "blue",
    "follow_up": "bright_magenta",
}


def header(base_url: str, password: str, scale: float) -> Panel:
    """Where to look, and who to sign in as."""
    lines = Table.grid(padding=(0, 2))
    lines.add_row("Admin", _link(f"{base_url}/admin/"), _logins())
    lines.add_row(
        "API",
        _link(f"{base_url}/api/docs"),
        Text.assemble("all with the password ", (password, "bold")),
    )
    title = f"Carefield · a shift at {scale:g} times its speed · Ctrl-C stops everything"
    return Panel(lines, title=title, border_style="blue")


def _link(url: str) -> Text:
    return Text.assemble((url, "bold underline"))  # a span: the padding is not underlined


def _logins() -> str:
    return ", ".join((cast.ADMINISTRATOR, *cast.SUPERVISORS, cast.DISPATCHER))


class Screen:
    """The whole screen as it stands when it is drawn, fitted to the terminal."""

    def __init__(self, top: Panel, shift: Shift, health: str) -> None:
        self._top = top
        self._shift = shift
        self._health = health

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        figures = self._shift.figures
        yield self._top
        yield _counts(self._shift, self._health)
        height = options.height or console.height
        tablets, alerts = _tablets(self._shift), _alerts(figures)
        used = ABOVE + HEADINGS + max(1, alerts.row_count)
        if options.max_width >= SIDE_BY_SIDE:
            log = _log(figures, max(FEWEST_LOG_LINES, height - used))
            grid = Table.grid(padding=(0, 2), expand=True)
            grid.add_column()
            grid.add_column(ratio=1)
            grid.add_row(tablets, Group(alerts, Padding(log, (1, 0, 0, 0))))
            yield grid
        else:
            used += tablets.row_count + 2
            yield Group(tablets, alerts, _log(figures, max(FEWEST_LOG_LINES, height - used)))


def _counts(shift: Shift, health: str) -> Panel:
    figures = shift.figures
    live = figures.latencies(live=True)
    unsent = sum(tablet.status.outbox.unsent for tablet in shift.tablets)
    grid = Table.grid(expand=True)
    cells = (
        ("calls", Text(str(len(figures.posted)), style="bold cyan")),
        ("under way", Text(str(shift.under_way), style="bold")),
        ("on tablets", Text(str(len(figures.deliveries)), style="bold")),
        ("delivery p50", Text(_ms(percentile(live, 0.5)), style="bold green")),
        ("p99", Text(_ms(percentile(live, 0.99)), style="bold green")),
        ("acknowledged", Text(str(len(figures.acknowledged)), style="bold")),
        ("escalated", Text(str(figures.alarmed), style="bold red" if figures.alarmed else "bold")),
        ("taps", Text(str(len(figures.taps)), style="bold")),
        ("notes signed", Text(str(len(figures.signed)), style="bold")),
        ("referrals", Text(str(len(figures.referrals)), style="bold")),
        ("answered", Text(str(len(figures.answered)), style="bold")),
        ("unsent", Text(str(unsent), style="bold yellow" if unsent else "bold")),
        ("system", Text(health, style="bold green" if health == "ready" else "bold red")),
    )
    for _ in cells:
        grid.add_column(justify="center", no_wrap=True)
    grid.add_row(*(value for _, value in cells))
    grid.add_row(*(Text(name, style="dim") for name, _ in cells))
    return Panel(Group(grid, afterwards(figures, shift.owed)), border_style="blue")


def afterwards(figures: Figures, owed: int | None) -> Text:
    """One line of what is left to do after calls: the records that are owed (None: nobody has
    looked yet), and how the people stand who are looked for again."""
    counts = figures.follow_ups.counts()
    told = (
        ("made", counts["made"], "bold"),
        ("due", counts["due"], "bold yellow"),
        ("overdue", counts["overdue"], "bold red"),
        ("missed", counts["missed"], "bold red"),
        ("reached", counts["reached"], "bold green"),
        ("declined", counts["declined"], "bold"),
        ("mails to supervisors", len(figures.digests), "bold"),
    )
    line = Text("records owed ", style="bold", justify="center")
    line.append(_number_owed(owed), style="bold yellow" if owed else "bold green")
    line.append("   follow-ups ", style="bold")
    for name, number, style in told:
        line.append(f" {number}", style=style if number else "dim").append(f" {name} ", style="dim")
    return line


def _number_owed(owed: int | None) -> str:
    return "-" if owed is None else str(owed)


def _table(title: str, *, headings: bool = True) -> Table:
    return Table(
        title=title,
        title_style="bold",
        title_justify="left",
        header_style="dim",
        show_header=headings,
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )


def _tablets(shift: Shift) -> Table:
    table = _table("Tablets (simulated), two in each unit")
    table.add_column("tablet", no_wrap=True)
    table.add_column("radio", min_width=11, no_wrap=True)
    table.add_column("calls", justify="right")
    table.add_column("unsent", justify="right")
    table.add_column("refused", justify="right")
    table.add_column("kept", justify="right")
    table.add_column("crew", min_width=18, no_wrap=True)
    for crew in shift.crews:
        for tablet in crew.tablets:
            status = tablet.status
            outbox = status.outbox
            table.add_row(
                tablet.label,
                radio(status, covered=shift.radios[tablet.label].covered),
                _number(_open_calls(tablet), "default"),
                _number(outbox.unsent, "bold yellow"),
                _number(outbox.refused, "bold red"),
                _number(status.kept, "bold magenta"),
                crew.doing if tablet is crew.tablets[0] else "",
            )
    return table


def radio(status: Status, *, covered: bool) -> Text:
    """How current a tablet is; what holds it up comes first."""
    if not covered:
        return Text("no coverage", style="bold yellow")
    if status.shut_out:
        return Text("shut out", style="bold red")
    if status.put_back:
        return Text("put back", style="bold red")
    if status.owes:
        return Text("handing over", style="bold yellow")
    if status.live:
        return Text("live", style="green")
    return Text("pulling" if status.in_contact else "connecting", style="yellow")


def _number(number: int, style: str) -> Text:
    return Text(str(number) if number else "·", style=style if number else "dim")


def _open_calls(tablet: Tablet) -> int:
    return sum(
        document.get("state") != "closed" for document in tablet.store.documents("assignments")
    )


def _alerts(figures: Figures) -> Table:
    table = _table("Alerts at the desks")
    table.add_column("unit", no_wrap=True)
    table.add_column("what", no_wrap=True)
    table.add_column("answer", no_wrap=True, overflow="ellipsis")
    latest = sorted(figures.alerts.values(), key=lambda alert: alert["raised_at"])[-ALERT_LINES:]
    for alert in reversed(latest):
        if alert["state"] == "open":
            answer = Text("waiting", style="bold red")
        elif alert["state"] == "acknowledged":
            answer = Text(f"by {alert['acknowledged_by']}", style="green")
        else:
            answer = Text("the crew has acknowledged", style="dim")
        table.add_row(alert["unit"] or "", words(alert["kind"]), answer)
    if not latest:
        table.add_row("", Text("none yet", style="dim"), "")
    return table


def _log(figures: Figures, lines: int) -> Table:
    table = _table("What happens", headings=False)
    table.add_column(justify="right", no_wrap=True, min_width=5)
    table.add_column()
    now = time.monotonic()
    for line in reversed(list(figures.log)[-lines:]):
        table.add_row(
            Text(f"{now - line.at:.0f} s", style="dim"),
            Text(line.text, style=_COLOURS[line.kind], no_wrap=True, overflow="ellipsis"),
        )
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def plain_line(shift: Shift, health: str) -> str:
    """The state of the shift on one line."""
    figures = shift.figures
    live = figures.latencies(live=True)
    unsent = " ".join(_unsent(shift.tablets)) or "none"
    held_up = "".join(_held_up(shift.tablets))
    return (
        f"calls {len(figures.posted)} (under way {shift.under_way}, crews at work {shift.at_work})"
        f"  deliveries {len(figures.deliveries)} "
        f"(p50 {_ms(percentile(live, 0.5))}, p99 {_ms(percentile(live, 0.99))})  "
        f"acknowledged {len(figures.acknowledged)}  escalated {figures.alarmed}  "
        f"alerts {len(figures.alerts)}  notes signed {len(figures.signed)} "
        f"(records owed {_number_owed(shift.owed)})  "
        f"referrals {len(figures.referrals)} (answered {len(figures.answered)})  "
        f"follow-ups {_plain_follow_ups(figures)}  "
        f"unsent: {unsent}{held_up}  "
        f"system: {health}"
    )


def _plain_follow_ups(figures: Figures) -> str:
    counts = figures.follow_ups.counts()
    names = ("due", "overdue", "reached", "declined")
    return f"{counts['made']} ({', '.join(f'{name} {counts[name]}' for name in names)})"


def _unsent(tablets: Iterable[Tablet]) -> Iterable[str]:
    for tablet in tablets:
        if number := tablet.status.outbox.unsent:
            yield f"{tablet.label} {number}"


def _held_up(tablets: Iterable[Tablet]) -> Iterable[str]:
    """What is rare: a server that was put back, and texts that wait to be settled."""
    for tablet in tablets:
        status = tablet.status
        if status.put_back or status.owes:
            yield f"  {tablet.label} {radio(status, covered=True)}"
        if status.kept:
            yield f"  {tablet.label} kept {status.kept}"
