"""What the commands that export share: a period by the city's clock, and a file of one's own.

Whoever can run a command can read the database: the operator sees all teams, and the audit log says
that Carefield itself exported. Standard output is for a pipe; a file is made for its owner alone,
and what is there already is never written over.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from apps.core import clock
from apps.firstaid.exports import services
from apps.firstaid.exports.services import Tally
from apps.people.models import Encounter, EncounterQuerySet


class PeriodCommand(BaseCommand):
    """A command over the encounters of a period."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="since", type=moment, required=True, help="2026-03-01, or with a time"
        )
        parser.add_argument(
            "--to", dest="until", type=moment, required=True, help="likewise; not with it"
        )

    def rows(self, options: dict[str, Any]) -> EncounterQuerySet:
        """The encounters that were opened in the period."""
        if options["until"] <= options["since"]:
            raise CommandError("--to is not after --from.")
        return services.between(Encounter.objects.all(), options["since"], options["until"])


class ExportCommand(PeriodCommand):
    """One that writes a file."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, help="a new file; without it, standard output")

    def write(self, parts: Iterator[bytes], tally: Tally, path: Path | None) -> None:
        """Writes the parts, and says on standard error what became of the encounters."""
        first = next(parts, None)
        if first is None:
            raise CommandError("There is no encounter whose call is over: nothing was written.")
        every = itertools.chain([first], parts)
        if path is None:
            _write(every, _raw(self.stdout))
        else:
            _write_new(every, path)
        said = [f"{tally.exported} exported"]
        said += [f"{count} left out: {why}" for why, count in sorted(tally.left_out.items())]
        self.stderr.write("; ".join(said) + ".")


def moment(text: str) -> datetime:
    """An ISO date or time; without an offset it is read by the city's clock."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=clock.city())


def _write(parts: Iterable[bytes], into: BinaryIO) -> None:
    into.writelines(parts)
    into.flush()


def _write_new(parts: Iterable[bytes], path: Path) -> None:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path} cannot be made: {error.strerror}.") from None
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - a file that is open already
            _write(parts, file)
    except BaseException:
        # Half a file would pass for a whole one.
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _raw(stdout: OutputWrapper) -> BinaryIO:
    """What takes bytes behind standard output."""
    raw: BinaryIO | None = getattr(stdout, "buffer", None)
    if raw is None:
        raise CommandError("Standard output takes no bytes here: name a file by --output.")
    return raw
