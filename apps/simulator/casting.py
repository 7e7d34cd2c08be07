"""The cast of a shift, signed in: desks, tablets with their crews, agencies, and a supervisor's own
tablet to look at everything afterwards."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from apps.simulator import team as cast
from apps.simulator.agency import Agency
from apps.simulator.asking import Asking
from apps.simulator.cad import CAD
from apps.simulator.care import Care
from apps.simulator.checkins import CheckIns
from apps.simulator.crew import REFERRAL, Crew
from apps.simulator.desk import Desk
from apps.simulator.digests import Digests
from apps.simulator.figures import Figures
from apps.simulator.frontdesk import FrontDesk
from apps.simulator.hand import Hand
from apps.simulator.mailbox import Mailbox
from apps.simulator.pace import Pace
from apps.simulator.paperwork import Paperwork
from apps.simulator.radio import Radio
from apps.simulator.rounds import Rounds
from apps.simulator.shift import Plan, Shift
from apps.simulator.street import Street
from apps.simulator.tablet.tablet import Tablet
from apps.simulator.tablet.wire import ShutOut

# How far the tablets' clocks are off, in hours: some are hours off, most are not.
CLOCKS = (0.0, 0.002, -3.0, 0.0, 1.5, -0.0005, 0.0, -1.0, 0.01, 2.75, 0.0, 0.0005)


@asynccontextmanager
async def connected(
    plan: Plan, *, base_url: str, folder: Path, figures: Figures, seed: int, mail: Mailbox
) -> AsyncIterator[Shift]:
    """The cast of a shift, signed in, and closed on leaving. `folder` is the run's own; `mail` is
    where the product's messages come in."""
    password = _secret(folder / cast.PASSWORD_FILE)
    token = _secret(folder / cast.CAD_TOKEN_FILE)
    tokens = _secret(folder / cast.AGENCY_TOKENS_FILE).split()
    dice = random.Random(seed)
    pace, days = Pace(plan.scale, dice), Pace(plan.days_scale, dice)
    desks = [
        Desk(base_url, name, password, pace=pace, heard=figures.heard_alert)
        for name in (*cast.SUPERVISORS, cast.DISPATCHER)
    ]
    street = Street(figures.saw_banner)
    cad = CAD(base_url, token, Radio(dice, replace(plan.conditions, longest_delay=0)), dice)
    radios: dict[str, Radio] = {}
    tablets: list[Tablet] = []
    try:
        for desk in desks:
            await desk.sign_in()
        crews, rounds, check_ins = [], [], []
        lapses, unseen = list(plan.lapses), {REFERRAL}
        for call_sign in list(cast.CREWS)[: plan.crews]:
            pair = await _crew_tablets(
                call_sign,
                base_url=base_url,
                folder=folder,
                desk=desks[0],
                password=password,
                dice=dice,
            )
            for tablet, radio in pair:
                figures.watch(tablet)
                tablets.append(tablet)
                radios[tablet.label] = radio
            own = [tablet for tablet, _ in pair]
            hands = [Hand(tablet) for tablet in own]
            papers = Paperwork(own, pace, dice, figures.wrote)
            asking = Asking(hands, days, dice, figures.wrote)
            check_ins.append(
                CheckIns(
                    *(call_sign, hands, [radio for _, radio in pair], pace, figures.say),
                    lapse=lapses.pop(0) if lapses else "",
                )
            )
            crews.append(
                Crew(
                    *(call_sign, own, street, pace, dice),
                    *(papers, Care(call_sign, pace, dice), asking, check_ins[-1]),
                    on_views=plan.on_views,
                    unseen=unseen,
                )
            )
            rounds.append(Rounds(hands, days, dice, figures.wrote))
        for radio in radios.values():
            radio.conditions = plan.conditions
        async with AsyncExitStack() as stack:
            agencies = [
                await stack.enter_async_context(
                    Agency(name, base_url, agency_token, pace, figures.say).open()
                )
                for name, agency_token in zip(cast.AGENCIES, tokens, strict=True)
            ]
            yield Shift(
                plan,
                base_url,
                figures,
                tablets,
                radios,
                crews,
                rounds,
                check_ins,
                desks,
                cad,
                agencies,
                [
                    FrontDesk(name, mail.of(address), pace, figures.say)
                    for name, address in cast.FRONT_DESKS.items()
                ],
                [
                    Digests(name, mail.of(address), figures.got_digest)
                    for name, address in cast.MAILBOXES.items()
                ],
                pace,
                days,
                dice,
                street,
            )
    finally:
        for tablet in tablets:
            await tablet.close()
        for desk in desks:
            await desk.close()
        await cad.close()


@asynccontextmanager
async def supervisors_tablet(shift: Shift, *, folder: Path) -> AsyncIterator[Tablet]:
    """A new tablet with a supervisor signed in, as of now: what their team has, they are shown."""
    tablet = Tablet(
        label="a supervisor's tablet",
        base_url=shift.base_url,
        path=":memory:",
        link=Radio(random.Random(0)),
        dice=random.Random(0),
    )
    try:
        password = _secret(folder / cast.PASSWORD_FILE)
        await _ready(tablet, shift.supervisor, cast.SUPERVISORS[0], password)
        await tablet.catch_up(telling=False)
        yield tablet
    finally:
        await tablet.close()


async def _crew_tablets(
    call_sign: str, *, base_url: str, folder: Path, desk: Desk, password: str, dice: random.Random
) -> Sequence[tuple[Tablet, Radio]]:
    """The two tablets of a unit: the ones of the last run, or newly enrolled ones."""
    (folder / "tablets").mkdir(exist_ok=True)
    pair = []
    for place, username in zip(("A", "B"), cast.CREWS[call_sign], strict=True):
        label = f"{call_sign} {place}"
        path = folder / "tablets" / f"{call_sign}-{place}.sqlite"
        number = list(cast.CREWS).index(call_sign) * 2 + (place == "B")
        radio = Radio(random.Random(dice.random()))
        make = partial(
            Tablet,
            label=label,
            base_url=base_url,
            path=path,
            link=radio,
            dice=random.Random(dice.random()),
            clock_offset=timedelta(hours=CLOCKS[number]),
        )
        tablet = make()
        if await _of_another_database(tablet):
            await tablet.close()
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            tablet = make()
        await _ready(tablet, desk, username, password)
        pair.append((tablet, radio))
    return pair


async def _of_another_database(tablet: Tablet) -> bool:
    """Whether this server does not know the tablet: the last run had other servers."""
    if not tablet.store.token:
        return False
    try:
        await tablet.wire.call("GET", "/api/v1/me")
    except ShutOut:
        return True
    return False


async def _ready(tablet: Tablet, desk: Desk, username: str, password: str) -> None:
    """Enrolled by a supervisor's code, and its responder signed in, unless it is already."""
    if tablet.store.token:
        me = await tablet.wire.call("GET", "/api/v1/me")
        if me["person"]:
            return
    else:
        code = await desk.post("/api/v1/enrolment-codes", {"label": tablet.label})
        await tablet.wire.enrol(code["code"])
    await tablet.wire.sign_in(username, password)


def _secret(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
