"""The demo: everything started, a shift played fast, one live screen, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel

from apps.simulator import gallery, picture, stack
from apps.simulator import team as cast
from apps.simulator.casting import connected
from apps.simulator.figures import Figures
from apps.simulator.mailbox import Mailbox, mailbox
from apps.simulator.radio import Conditions
from apps.simulator.screen import Screen, header, plain_line
from apps.simulator.shift import DAYS_HOURS, Plan, Shift

FADING = Conditions(lost_answers=0.05, duplicates=0.05, reordered=0.05, longest_delay=0.5)
REFRESH_SECONDS = 0.5
HEALTH_SECONDS = 3.0
LINE_SECONDS = 2.0
SPEED = 30.0  # a minute takes two seconds: people can follow it
ONCE_SPEED = 80.0
ONCE_CALLS = 12
# Between calls and their follow-ups three days go by in so many seconds.
THREE_DAYS_SECONDS = 60.0
ONCE_THREE_DAYS_SECONDS = 20.0
ONCE_MINUTES = 105  # of the work: twelve calls as they come, and six crews until the last is over


@dataclass(frozen=True)
class Options:
    """`once`: end when a dozen calls, and the three days after them, are over. `picture`: where the
    screen is drawn at the end; `gallery`: the folder for pages of the admin."""

    port: int = 8000
    speed: float = SPEED
    once: bool = False
    picture: Path | None = None
    gallery: Path | None = None

    @property
    def three_days(self) -> float:
        """Real seconds."""
        return ONCE_THREE_DAYS_SECONDS if self.once else THREE_DAYS_SECONDS

    @property
    def days_scale(self) -> float:
        """How much faster than the clock the days between calls and follow-ups go by."""
        return DAYS_HOURS * 3600 / self.three_days

    def plan(self) -> Plan:
        return Plan(
            scale=self.speed,
            days_scale=self.days_scale,
            calls=ONCE_CALLS if self.once else None,
            calls_every=(150 / self.speed, 450 / self.speed),
            conditions=FADING,
            dead_zone_every=20,
            dead_zone_seconds=(8, 20),
            cut_every=7,
            on_views=not self.once,
            lapses=("does not answer", "has no signal"),
        )


def settings(options: Options) -> dict[str, str]:
    """What the processes are told: the pace, and a tick that suits it."""
    return {
        "TIME_SCALE": str(options.speed),
        "FOLLOW_UP_TIME_SCALE": str(options.days_scale),
        "FOLLOW_UP_TICK_SECONDS": "1",
        "NOTIFY_TICK_SECONDS": "1",
        "ESCALATION_TICK_SECONDS": "1",
        # Asked every 12 seconds, missed after 28 more: long enough to see that a signal is lost.
        "CHECK_IN_MINUTES": str(12 * options.speed / 60),
        "CHECK_IN_SUPERVISORS_SECONDS": str(28 * options.speed),
        "CHECK_IN_DISPATCH_SECONDS": str(8 * options.speed),
        "SOCKET_RECHECK_SECONDS": "2",
        "LOG_LEVEL": "WARNING",
    }


def demo(options: Options, *, folder: Path, say: stack.Say) -> None:
    """Start everything and play until somebody stops it. Raises StackError."""
    with (
        mailbox() as mail,
        stack.running(
            folder=folder,
            keep="demo",
            port=options.port,
            settings={**settings(options), **mail.environment()},
            say=say,
        ) as running,
    ):
        say("Signing in the desks and twelve tablets")
        if options.once:
            minutes = ONCE_MINUTES / options.speed + options.three_days / 60
            say(f"{ONCE_CALLS} calls and three days after them: about {minutes:.1f} minutes")
        asyncio.run(_play(options, running, mail))


async def _play(options: Options, running: stack.Stack, mail: Mailbox) -> None:
    figures = Figures()
    stop = asyncio.Event()
    password = (running.folder / cast.PASSWORD_FILE).read_text(encoding="utf-8").strip()
    top = header(running.base_url, password, options.speed)
    with _stopped_by_signals(stop):
        async with connected(
            options.plan(),
            base_url=running.base_url,
            folder=running.folder,
            figures=figures,
            seed=0,
            mail=mail,
        ) as shift:
            playing = asyncio.create_task(shift.play())
            health = _Health(running)
            taking = asyncio.create_task(_photograph(gallery.take_live, options, running, password))
            try:
                if sys.stdout.isatty():
                    await _show(top, health, shift, playing, stop)
                else:
                    _introduce(running.base_url, password)
                    await _print(health, shift, playing, stop)
                if options.picture:
                    picture.draw(Screen(top, shift, await health.now()), options.picture)
                await taking
                await _photograph(gallery.take, options, running, password)
            finally:
                playing.cancel()
                await asyncio.gather(playing, taking, return_exceptions=True)


async def _photograph(
    take: Callable[..., None], options: Options, running: stack.Stack, password: str
) -> None:
    """Has pages of the admin photographed, where that is asked for."""
    if options.gallery:
        given: dict[str, Any] = {
            "base_url": running.base_url,
            "password": password,
            "folder": options.gallery,
        }
        await asyncio.to_thread(take, **given)


async def _show(
    top: Panel, health: _Health, shift: Shift, playing: asyncio.Task[None], stop: asyncio.Event
) -> None:
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while not (stop.is_set() or shift.over):
            health.raise_trouble(playing)
            live.update(Screen(top, shift, await health.now()), refresh=True)
            await _pause(stop, REFRESH_SECONDS)


async def _print(
    health: _Health, shift: Shift, playing: asyncio.Task[None], stop: asyncio.Event
) -> None:
    while not (stop.is_set() or shift.over):
        health.raise_trouble(playing)
        _line(plain_line(shift, await health.now()))
        await _pause(stop, LINE_SECONDS)
    _line(plain_line(shift, await health.now()))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _introduce(base_url: str, password: str) -> None:
    _line(f"admin {base_url}/admin/  API {base_url}/api/docs")
    _line(f"logins {cast.ADMINISTRATOR}, {', '.join(cast.SUPERVISORS)}, {cast.DISPATCHER}")
    _line(f"password {password}")


class _Health:
    """How the product is: what `/readyz` says, asked every few seconds."""

    def __init__(self, running: stack.Stack) -> None:
        self._running = running
        self._asked = float("-inf")
        self._text = "starting"

    async def now(self) -> str:
        clock = asyncio.get_running_loop().time()
        if clock - self._asked > HEALTH_SECONDS:
            self._asked = clock
            checks = await asyncio.to_thread(self._running.readiness)
            missing = [name for name, fine in checks.items() if not fine]
            self._text = f"no {', '.join(missing)}" if missing or not checks else "ready"
        return self._text

    def raise_trouble(self, playing: asyncio.Task[None]) -> None:
        """Raises what ended the shift, or StackError for a process that has died."""
        self._running.check()
        if playing.done():
            playing.result()


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """The signals that end a program set `stop`; afterwards they do again what they did."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in stack.SIGNALS}
    for number in stack.SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
