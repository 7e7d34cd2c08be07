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

from apps.simulator import screen, stack
from apps.simulator import team as cast
from apps.simulator.figures import Figures
from apps.simulator.radio import Conditions
from apps.simulator.shift import Plan, Shift, connected

FADING = Conditions(lost_answers=0.05, duplicates=0.05, reordered=0.05, longest_delay=0.5)
REFRESH_SECONDS = 0.5
HEALTH_SECONDS = 3.0
LINE_SECONDS = 2.0
ONCE_CALLS = 12
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Options:
    """`once`: end after a dozen calls."""

    port: int = 8000
    speed: float = 30.0
    once: bool = False

    def plan(self) -> Plan:
        return Plan(
            scale=self.speed,
            calls=ONCE_CALLS if self.once else None,
            calls_every=(150 / self.speed, 450 / self.speed),
            conditions=FADING,
            dead_zone_every=20,
            dead_zone_seconds=(8, 20),
            cut_every=7,
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
    with stack.running(
        folder=folder, keep="demo", port=options.port, settings=settings(options), say=say
    ) as running:
        say("Signing in the desks and twelve tablets")
        asyncio.run(_play(options, running))


async def _play(options: Options, running: stack.Stack) -> None:
    figures = Figures()
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with connected(
            options.plan(),
            base_url=running.base_url,
            folder=running.folder,
            figures=figures,
            seed=0,
        ) as shift:
            playing = asyncio.create_task(shift.play())
            try:
                if sys.stdout.isatty():
                    await _show(options, running, shift, playing, stop)
                else:
                    await _print(running, shift, playing, stop)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)


async def _show(
    options: Options,
    running: stack.Stack,
    shift: Shift,
    playing: asyncio.Task[None],
    stop: asyncio.Event,
) -> None:
    password = (running.folder / cast.PASSWORD_FILE).read_text(encoding="utf-8").strip()
    top = screen.header(running.base_url, password, options.speed)
    health = _Health(running)
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while not (stop.is_set() or shift.over):
            _raise_trouble(running, playing)
            live.update(screen.screen(top, shift, await health.now()), refresh=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_SECONDS)


async def _print(
    running: stack.Stack, shift: Shift, playing: asyncio.Task[None], stop: asyncio.Event
) -> None:
    password = (running.folder / cast.PASSWORD_FILE).read_text(encoding="utf-8").strip()
    _line(f"admin {running.base_url}/admin/  API {running.base_url}/api/docs")
    _line(f"logins {cast.ADMINISTRATOR}, {', '.join(cast.SUPERVISORS)}, {cast.DISPATCHER}")
    _line(f"password {password}")
    health = _Health(running)
    while not (stop.is_set() or shift.over):
        _raise_trouble(running, playing)
        _line(screen.plain_line(shift, await health.now()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LINE_SECONDS)


class _Health:
    """What `/readyz` says, asked every few seconds."""

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


def _raise_trouble(running: stack.Stack, playing: asyncio.Task[None]) -> None:
    running.check()
    if playing.done():
        playing.result()


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """The signals that end a program set `stop`; afterwards they do again what they did."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
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
