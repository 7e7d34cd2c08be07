"""`manage.py import_hsds FILE...`: organisations, services and locations come into the directory.

Entries are known by their HSDS ids: the same file again changes nothing. With anything wrong in a
file nothing of it is taken, and each field is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.problems import FieldError, ProblemError
from apps.referrals.services import directory


class Command(BaseCommand):
    help = "Imports Open Referral HSDS 3.0 JSON into the directory."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        for file in options["files"]:
            self._import(file)

    def _import(self, file: Path) -> None:
        try:
            payload = orjson.loads(file.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise CommandError(f"{file} cannot be read as JSON.") from error
        try:
            told = directory.import_hsds(payload=payload, by=SYSTEM, now=clock.now())
        except ProblemError as problem:
            raise CommandError(
                "\n".join([f"{file}: nothing was imported.", *map(_line, problem.errors)])
            ) from problem
        for kind in told.created:
            self.stdout.write(
                f"{kind}: {told.created[kind]} new, {told.changed[kind]} changed, "
                f"{told.same[kind]} as they were"
            )
        for doubt in told.doubts:
            self.stdout.write(_line(doubt))


def _line(error: FieldError) -> str:
    return f"{error.pointer or '/'}: {error.detail}"
