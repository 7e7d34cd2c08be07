"""The mail of a supervisor: what their team has missed, told as a number and never as a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.simulator.mailbox import Box, Mail, taken

LOOK_SECONDS: Final = 0.25


@dataclass
class Digests:
    """One supervisor. `got` is told each mail, with the name of their account."""

    name: str
    box: Box
    got: Callable[[str, Mail], None]

    async def run(self) -> None:
        """Reads what comes, until cancelled."""
        while True:
            for mail in taken(self.box):
                self.got(self.name, mail)
            await asyncio.sleep(LOOK_SECONDS)
