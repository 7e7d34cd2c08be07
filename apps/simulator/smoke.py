"""The demo unattended, through a bad radio; what came of it as one line of JSON."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.simulator import loops, stack
from apps.simulator.figures import Figures, percentile
from apps.simulator.mailbox import Mailbox, mailbox
from apps.simulator.radio import POOR
from apps.simulator.shift import Plan, Shift, connected
from apps.simulator.verify import Findings, verify

SCALE = 600.0  # 40 minutes of the work take 4 seconds
STAYS_SECONDS = 60.0  # real: a closed call outlasts the longest dead zone
TICK_SECONDS = 1.0
QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 120.0  # after the last call, for everything to come to rest
LIMIT_SECONDS = 600.0  # for the whole play: something is stuck
SHOWN = 20


@dataclass(frozen=True)
class Options:
    """How much is played: the full smoke test by default."""

    calls: int = 200
    crews: int = 6
    dead_zone_seconds: float = 30.0
    dead_zone_every: float = 10.0
    cut_every: float = 3.0
    calls_every: float = 0.5
    seed: int = 1

    def plan(self) -> Plan:
        return Plan(
            scale=SCALE,
            calls=self.calls,
            calls_every=(self.calls_every * 0.5, self.calls_every * 1.5),
            crews=self.crews,
            conditions=POOR,
            dead_zone_every=self.dead_zone_every,
            dead_zone_seconds=(self.dead_zone_seconds, self.dead_zone_seconds),
            cut_every=self.cut_every,
        )


def settings() -> dict[str, str]:
    """What the processes are told: the pace, and ticks that suit it."""
    return {
        "TIME_SCALE": str(SCALE),
        "CLEARED_STAYS_SECONDS": str(STAYS_SECONDS * SCALE),
        "ESCALATION_TICK_SECONDS": str(TICK_SECONDS),
        "LOG_LEVEL": "WARNING",
    }


def smoke(options: Options, *, folder: Path, say: stack.Say) -> tuple[dict[str, Any], Findings]:
    """Start everything, play, wait for rest, verify. Raises StackError, also when it does not come
    to rest. Logs and tablets stay in `folder`; those of an earlier run are removed."""
    shutil.rmtree(folder, ignore_errors=True)
    with (
        mailbox() as mail,
        stack.running(
            folder=folder,
            keep="",
            port=0,
            settings={**settings(), **mail.environment()},
            say=say,
        ) as running,
    ):
        running.wait_until()
        return asyncio.run(_play(options, running, mail, say))


async def _play(
    options: Options, running: stack.Stack, mail: Mailbox, say: stack.Say
) -> tuple[dict[str, Any], Findings]:
    figures = Figures()
    say("Signing in")
    plan = options.plan()
    async with connected(
        plan,
        base_url=running.base_url,
        folder=running.folder,
        figures=figures,
        seed=options.seed,
        mail=mail,
    ) as shift:
        playing = asyncio.create_task(shift.play())
        try:
            await _until_quiet(shift, playing, running, say)
            say("Comparing every tablet with a fresh one, and every tap with the server")
            findings = await verify(
                figures=figures,
                tablets=shift.tablets,
                desk=shift.dispatcher,
                base_url=running.base_url,
                supervisor=shift.supervisor,
            )
            findings.loops = await loops.look(
                figures=figures,
                agencies=shift.agencies,
                front_desks=shift.front_desks,
                supervisor=shift.supervisor,
            )
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
    return summary(figures, findings), findings


async def _until_quiet(
    shift: Shift, playing: asyncio.Task[None], running: stack.Stack, say: stack.Say
) -> None:
    """Until every call has ended, every tablet has told everything, and that for two seconds."""
    began = time.monotonic()
    said = quiet_since = 0.0
    ended: float | None = None
    while not quiet_since or time.monotonic() - quiet_since < QUIET_SECONDS:
        if playing.done():
            playing.result()  # it ends by an error only
        running.check()
        now = time.monotonic()
        if now - said > 5:
            said = now
            say(_progress(shift))
        if shift.over and ended is None:
            ended = now
            shift.calm()
        if now - (ended or began) > (PATIENCE_SECONDS if ended else LIMIT_SECONDS):
            what = "does not come to rest" if ended else "does not come to an end"
            raise stack.StackError(f"The shift {what}.\n{running.log_tail('web')}")
        quiet = ended is not None and shift.over and _at_rest(shift)
        quiet_since = (quiet_since or now) if quiet else 0.0
        await asyncio.sleep(0.1)


def _at_rest(shift: Shift) -> bool:
    return all(tablet.status.live and not tablet.status.outbox.unsent for tablet in shift.tablets)


def _progress(shift: Shift) -> str:
    figures = shift.figures
    unsent = sum(tablet.status.outbox.unsent for tablet in shift.tablets)
    away = sum(not radio.covered for radio in shift.radios.values())
    return (
        f"{len(figures.posted)} calls, {len(figures.deliveries)} deliveries, "
        f"{len(figures.acknowledged)} acknowledged, {len(figures.taps)} taps, {unsent} unsent, "
        f"{away} tablets without coverage"
    )


def summary(figures: Figures, findings: Findings) -> dict[str, Any]:
    """The one line: counts, and latencies in milliseconds from the CAD's first attempt to post a
    call until it is in the tablet's store. `live`: on tablets whose socket was open all the while;
    the others had to come back from a dead zone first. `records_per_dispatch`: of the calls that
    are over, how many have a signed note, or the record that two taps are."""
    every, live = figures.latencies(), figures.latencies(live=True)
    return {
        "calls": len(figures.posted),
        "assignments": len(findings.assignments),
        "delivered": len(figures.deliveries),
        "acknowledged": len(figures.acknowledged),
        "escalated": figures.alarmed,
        "lost": len(findings.lost),
        "duplicated": len(findings.duplicated),
        "diverged": len(findings.diverged),
        "records_per_dispatch": _share(findings.closed - findings.owed, findings.closed),
        "texts": len(figures.sentences),
        "texts_lost": len(findings.texts_lost),
        "conflicts": findings.conflicts,
        "quarantined": findings.quarantined,
        "kept": len(findings.kept),
        "referrals_sent": findings.loops.sent,
        "referrals_answered": findings.loops.answered,
        "referrals_lost": len(findings.loops.lost),
        "webhook_events": findings.loops.events,
        "webhook_two_ids": len(findings.loops.two_ids),
        "webhook_out_of_order": len(findings.loops.out_of_order),
        "latency_p50_ms": _rounded(percentile(every, 0.5)),
        "latency_p99_ms": _rounded(percentile(every, 0.99)),
        "live_latency_p50_ms": _rounded(percentile(live, 0.5)),
        "live_latency_p99_ms": _rounded(percentile(live, 0.99)),
        "taps": len(figures.taps),
        "alerts": len(figures.alerts),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
