"""A worker that halts in a phase of the follow-ups' tick, to be killed there, and what it sends
text messages by: a file that says which went out.

`HALT_AT` names the phase: `claimed` (counted and committed), `locked` (under the locks), `written`
(all is written and not committed), `committed` (and the broker has not heard of it).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.apps import AppConfig

PHASES = ("claimed", "locked", "written", "committed")
HALTED = "halted here"
# After which function of the tick each phase is.
_AFTER = {
    "claimed": "_claim",
    "locked": "read_locked",
    "written": "_alert",
    "committed": "_is_done",
}


class HaltingConfig(AppConfig):
    name = "tests.functional.followups"
    label = "halting"

    def ready(self) -> None:
        phase = os.environ.get("HALT_AT")
        if phase:
            from apps.followups.services import reminding  # noqa: PLC0415  (apps are ready now)

            name = _AFTER[phase]
            setattr(reminding, name, _halting(getattr(reminding, name)))


def _halting(function: Callable[..., Any]) -> Callable[..., Any]:
    def halt(*args: Any, **named: Any) -> Any:
        found = function(*args, **named)
        if found or function.__name__ == "_alert":
            sys.stderr.write(f"{HALTED}\n")
            sys.stderr.flush()
            threading.Event().wait()  # for whoever kills it
        return found

    return halt


def send(address: str, text: str, id: UUID) -> None:
    """Notes what goes out. Of every other one it says at first that it did not, though it did."""
    notes = Path(os.environ["TEXTS_SENT"])
    again = notes.exists() and str(id) in notes.read_text(encoding="utf-8")
    with notes.open("a", encoding="utf-8") as file:
        file.write(f"{address} {id}\n")
    if not again and id.int % 2:
        raise OSError
