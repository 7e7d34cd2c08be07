"""`manage.py replay_cad FILE`: rows of Seattle's Call Data, told to the public endpoint as if live.

Each event is told as it unfolded: the report, each status of a unit, the end. A row that has no
event number cannot be told; every other one is, with its doubts. Replaying a file again changes
nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.dispatch import calldata, messages, plain
from apps.dispatch.calls import Call, Malformed

_PATIENCE_SECONDS = 300.0
_LONGEST_WAIT_SECONDS = 30.0


class Command(BaseCommand):
    help = "Replays a CSV of Seattle's Call Data, of either schema, through the intake endpoint."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--speed",
            type=float,
            default=60.0,
            help="divides the time between messages; 0: as fast as possible",
        )
        parser.add_argument("--url", default="http://127.0.0.1:8000")
        token = parser.add_mutually_exclusive_group(required=True)
        token.add_argument("--token", help="of a CAD client; other users of the machine can see it")
        token.add_argument("--token-file", type=Path)
        parser.add_argument("--agency", default="spd.seattle.gov", help="whose numbers these are")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["speed"] < 0:
            raise CommandError("--speed is 0 or more.")
        token = options["token"] or _read(options["token_file"]).strip()
        calls, told = _calls(_read(options["file"]), options["agency"])
        with contextlib.closing(Endpoint(options["url"], token)) as endpoint:
            told += _tell(calls, endpoint, options["speed"])
        for name, count in told.items():
            self.stdout.write(f"{count:>7} {name}")
        if told["refused"]:
            raise CommandError("Some messages were refused; they are held on the server.")


def _tell(calls: list[Call], endpoint: Endpoint, speed: float) -> Counter[str]:
    """Sends the messages at their pace, and counts what became of them."""
    told: Counter[str] = Counter()
    flagged: set[str] = set()
    last: datetime | None = None
    for moment, call in _in_time(calls):
        if speed and last and moment:
            time.sleep((moment - last).total_seconds() / speed)
        last = moment or last
        status, answer = endpoint.post(plain.build(call))
        told[_outcome(status, answer)] += 1
        if answer.get("flags"):
            flagged.add(call.cad_number)
    told["events flagged"] = len(flagged)
    return told


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read as UTF-8 text.") from error


def _calls(text: str, agency: str) -> tuple[list[Call], Counter[str]]:
    """One call for each event, and how many rows there were. Rows without a number are counted."""
    told: Counter[str] = Counter(rows=0)
    rows: list[Mapping[str, str]] = []
    # Not `splitlines`: a cell may hold a line break, or a sign that only Python takes for one.
    for row in calldata.read(io.StringIO(text, newline="")):
        told["rows"] += 1
        try:
            calldata.parse_row(row)
        except Malformed:
            told["rows without an event number"] += 1
        else:
            rows.append(row)
    calls = [replace(call, agency_id=agency) for call in calldata.calls(rows)]
    told["events"] = len(calls)
    return calls, told


def _in_time(calls: list[Call]) -> Iterator[tuple[datetime | None, Call]]:
    """The messages of all events, in the order in which CAD would have sent them."""
    steps = [(moment, step) for call in calls for moment, step in calldata.steps(call)]
    yield from sorted(steps, key=lambda step: step[0])
    timed = {step.cad_number for _, step in steps}
    # Without any time there is no order: they are told last, once.
    yield from ((None, call) for call in calls if call.cad_number not in timed)


def _outcome(status: int, answer: Mapping[str, Any]) -> str:
    if status == http.HTTPStatus.CREATED:
        return "messages that made an incident"
    if status != http.HTTPStatus.OK:
        return "refused"
    return (
        "messages that changed one" if answer.get("changed") else "messages that told nothing new"
    )


class Endpoint:
    """The intake endpoint over one connection that is kept open.

    A message is sent until it is answered: sending it twice does no harm, losing it does.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandError("--url must look like https://carefield.example")
        self._address = (parts.hostname, parts.port)
        self._tls = parts.scheme == "https"
        self._path = parts.path.rstrip("/") + messages.PLAIN
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and decoded answer. Gives up, loudly, after five minutes without one."""
        content = orjson.dumps(body)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        wait = 0.1
        while True:
            try:
                status, retry_after, answer = self._once(content)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                status, retry_after, answer = 0, None, {"title": type(error).__name__}
            if status in {401, 403, 404}:
                raise CommandError(f"The server answers {status}: {answer.get('title', '')}")
            if status and status != 429 and status < 500:
                return status, answer
            if time.monotonic() > deadline:
                raise CommandError(f"No answer for five minutes: {answer.get('title', status)}")
            time.sleep(retry_after if retry_after is not None else wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Ends the connection; the next message opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, content: bytes) -> tuple[int, float | None, dict[str, Any]]:
        if self._connection is None:
            host, port = self._address
            self._connection = (
                http.client.HTTPSConnection(
                    host, port, timeout=30, context=ssl.create_default_context()
                )
                if self._tls
                else http.client.HTTPConnection(host, port, timeout=30)
            )
        self._connection.request("POST", self._path, content, self._headers)
        response = self._connection.getresponse()
        text = response.read()
        retry_after = response.getheader("Retry-After", "")
        try:
            answer = orjson.loads(text)
        except orjson.JSONDecodeError:
            answer = {}
        wait = float(retry_after) if retry_after and retry_after.isdigit() else None
        return response.status, wait, answer if isinstance(answer, dict) else {}
