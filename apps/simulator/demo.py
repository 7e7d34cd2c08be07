"""The demo: everything started, a shift played fast, one live screen, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.panel import Panel

from apps.simulator import picture, stack
from apps.simulator import team as cast
from apps.simulator.figures import Figures
from apps.simulator.mailbox import Mailbox, mailbox
from apps.simulator.radio import Conditions
from apps.simulator.screen import Screen, header, plain_line
from apps.simulator.shift import Plan, Shift, connected

FADING = Conditions(lost_answers=0.05, duplicates=0.05, reordered=0.05, longest_delay=0.5)
REFRESH_SECONDS = 0.5
HEALTH_SECONDS = 3.0
LINE_SECONDS = 2.0
SPEED = 30.0  # a minute takes two seconds: people can follow it
ONCE_SPEED = 60.0
ONCE_CALLS = 12
ONCE_MINUTES = 105  # of the work: twelve calls as they come, and six crews until the last is over


@dataclass(frozen=True)
class Options:
    """`once`: end when a dozen calls are over. `picture`: where the screen is drawn at the end."""

    port: int = 8000
    speed: float = SPEED
    once: bool = False
    picture: Path | None = None

    def plan(self) -> Plan:
        return Plan(
            scale=self.speed,
            calls=ONCE_CALLS if self.once else None,
            calls_every=(150 / self.speed, 450 / self.speed),
            conditions=FADING,
            dead_zone_every=20,
            dead_zone_seconds=(8, 20),
            cut_every=7,
            on_views=not self.once,
        )


def settings(options: Options) -> dict[str, str]:
    """What the processes are told: the pace, and a tick that suits it."""
    return {
        "TIME_SCALE": str(options.speed),
        "ESCALATION_TICK_SECONDS": "1",
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
            minutes = ONCE_MINUTES / options.speed
            say(f"{ONCE_CALLS} calls are played to their end: about {minutes:.1f} minutes")
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
            try:
                if sys.stdout.isatty():
                    await _show(top, health, shift, playing, stop)
                else:
                    _introduce(running.base_url, password)
                    await _print(health, shift, playing, stop)
                if options.picture:
                    picture.draw(Screen(top, shift, await health.now()), options.picture)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)


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
