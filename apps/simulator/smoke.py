"""The demo unattended, through a bad radio; what came of it as one line of JSON."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.simulator import loops, reminded, stack
from apps.simulator.casting import connected, supervisors_tablet
from apps.simulator.figures import Figures, percentile
from apps.simulator.mailbox import Mailbox, mailbox
from apps.simulator.radio import POOR
from apps.simulator.shift import DAYS_HOURS, Plan, Shift
from apps.simulator.verify import Findings, verify

SCALE = 600.0  # 40 minutes of the work take 4 seconds
STAYS_SECONDS = 60.0  # real: a closed call outlasts the longest dead zone
TICK_SECONDS = 1.0
QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 120.0  # after the last call, for everything to come to rest
LIMIT_SECONDS = 600.0  # for the whole play: something is stuck
RECORDS_SECONDS = 60.0  # after that, for records that are still owed
SHOWN = 20


@dataclass(frozen=True)
class Options:
    """How much is played: the full smoke test by default. `three_days`: in how many seconds three
    days go by between calls and their follow-ups."""

    calls: int = 200
    crews: int = 6
    dead_zone_seconds: float = 30.0
    dead_zone_every: float = 10.0
    cut_every: float = 3.0
    calls_every: float = 0.5
    three_days: float = 30.0
    seed: int = 1

    @property
    def days_scale(self) -> float:
        """How much faster than the clock days go by."""
        return DAYS_HOURS * 3600 / self.three_days

    def plan(self) -> Plan:
        return Plan(
            scale=SCALE,
            days_scale=self.days_scale,
            calls=self.calls,
            calls_every=(self.calls_every * 0.5, self.calls_every * 1.5),
            crews=self.crews,
            conditions=POOR,
            dead_zone_every=self.dead_zone_every,
            dead_zone_seconds=(self.dead_zone_seconds, self.dead_zone_seconds),
            cut_every=self.cut_every,
        )


def settings(options: Options) -> dict[str, str]:
    """What the processes are told: the pace, and ticks that suit it."""
    return {
        "TIME_SCALE": str(SCALE),
        "FOLLOW_UP_TIME_SCALE": str(options.days_scale),
        "FOLLOW_UP_TICK_SECONDS": str(TICK_SECONDS),
        "NOTIFY_TICK_SECONDS": str(TICK_SECONDS),
        "CLEARED_STAYS_SECONDS": str(STAYS_SECONDS * SCALE),
        "ESCALATION_TICK_SECONDS": str(TICK_SECONDS),
        # A crew that works goes on answering through the longest dead zone.
        "CHECK_IN_SUPERVISORS_SECONDS": str(STAYS_SECONDS * SCALE),
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
            settings={**settings(options), **mail.environment()},
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
            ends = time.monotonic() + RECORDS_SECONDS
            while await shift.ask_for_records() and time.monotonic() < ends:
                await _until_quiet(shift, playing, running, say)
            say("Comparing every tablet with a fresh one, and every tap with the server")
            before = await reminded.written(running.environ["DATABASE_URL"])
            async with supervisors_tablet(shift, folder=running.folder) as reader:
                findings = await verify(
                    figures=figures,
                    tablets=shift.tablets,
                    desk=shift.dispatcher,
                    base_url=running.base_url,
                    supervisor=shift.supervisor,
                    reader=reader,
                )
                findings.followed = reminded.judge(
                    figures=figures,
                    before=before,
                    reader=reader,
                    kept=findings.refused,
                    over={one["id"] for one in findings.assignments if one["state"] == "closed"},
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
        f"{len(figures.acknowledged)} acknowledged, {len(figures.taps)} taps, "
        f"{len(figures.follow_ups.latest)} follow-ups, {unsent} unsent, "
        f"{away} tablets without coverage"
    )


def summary(figures: Figures, findings: Findings) -> dict[str, Any]:
    """The one line: counts, and latencies in milliseconds from the CAD's first attempt to post a
    call until it is in the tablet's store. `live`: on tablets whose socket was open all the while;
    the others had to come back from a dead zone first. `records_per_dispatch`: of all
    assignments, how many are over and have a signed note, or the record that two taps are."""
    every, live = figures.latencies(), figures.latencies(live=True)
    recorded = len(findings.assignments) - len(findings.owed)
    return {
        "calls": len(figures.posted),
        "assignments": len(findings.assignments),
        "delivered": len(figures.deliveries),
        "acknowledged": len(figures.acknowledged),
        "escalated": figures.alarmed,
        "lost": len(findings.lost),
        "duplicated": len(findings.duplicated),
        "diverged": len(findings.diverged),
        "records_per_dispatch": _share(recorded, len(findings.assignments)),
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
        **_follow_ups(findings),
        "latency_p50_ms": _rounded(percentile(every, 0.5)),
        "latency_p99_ms": _rounded(percentile(every, 0.99)),
        "live_latency_p50_ms": _rounded(percentile(live, 0.5)),
        "live_latency_p99_ms": _rounded(percentile(live, 0.99)),
        "taps": len(figures.taps),
        "alerts": len(figures.alerts),
    }


def _follow_ups(findings: Findings) -> dict[str, Any]:
    """Follow-ups and their reminders: `reminded` says what each of these is."""
    followed = findings.followed
    return {
        "follow_ups": followed.made,
        "follow_ups_tried": followed.tried,
        "follow_ups_reached": followed.outcomes["reached"],
        "follow_ups_declined": followed.outcomes["declined"],
        "follow_ups_not_reached": followed.outcomes["not_reached"],
        "follow_ups_lost": len(followed.follow_ups_lost),
        "reminders_due": followed.due,
        "reminders_delivered": followed.delivered,
        "reminders_overtaken": followed.overtaken,
        "reminders_mailed": followed.mailed,
        "reminders_duplicated": len(followed.reminders_duplicated),
        "reminders_lost": len(followed.reminders_lost),
        "reminders_late_p50_ms": _rounded(percentile(followed.delays, 0.5)),
        "reminders_late_p99_ms": _rounded(percentile(followed.delays, 0.99)),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
