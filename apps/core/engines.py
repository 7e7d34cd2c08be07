"""PostgreSQL and Valkey of our own, from Python wheels, for a machine that has neither.

The demo, the tests and the checks start here. Plain Python without Django: the engines come first
and set the environment that the settings read.

    python -m apps.core.engines run -- COMMAND     # a private pair for the time of one command

Where `DATABASE_URL` or `REDIS_URL` is set, that server is used and nothing is started in its place.

- Everything lives in one folder per user and checkout below `/var/tmp`, which survives a restart of
  the machine and, for root, is no one's home: the servers refuse root, so they run as a system
  account (`carefield_engines`, made when missing) that could not enter a home.
- A folder in use is locked by its owner. A lock that can be taken means that whoever held the
  folder is gone, so its leftover servers are ended and throwaway folders removed.
- Both listen on 127.0.0.1 alone, where every user of the machine can knock: hence random passwords,
  kept in the folder, instead of trust.
- Ports are drawn below the range of outgoing connections. Otherwise a killed server's port could be
  taken by any client, even by one that dials that very port and reaches itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from apps.core.engine_host import EngineError, claimed_host
from apps.core.engine_servers import Postgres, Valkey, cluster_passwords, free_port

__all__ = ["EngineError", "Engines", "Postgres", "Terminated", "Valkey", "free_port", "provide"]

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: whatever ends cleanly on Ctrl-C ends cleanly on these."""


@dataclass(frozen=True)
class Engines:
    """Where the servers are. `postgres` and `valkey` are None for a server that was given."""

    database_url: str
    database_owner_url: str
    redis_url: str
    postgres: Postgres | None = None
    valkey: Valkey | None = None

    def environment(self) -> dict[str, str]:
        """The variables that the settings read."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }


@contextlib.contextmanager
def provide(
    *, keep: str = "", durable: bool = True, environ: Mapping[str, str] | None = None
) -> Iterator[Engines]:
    """The servers that `environ` (the process's own by default) names, and ours for the rest.

    `keep` names data to take up again and to leave for the next start; without it the folder is
    new, and removed. Only data that is thrown away may be not `durable`. Ends what it started on
    leaving, also on an exception, Ctrl-C, SIGTERM and SIGHUP. Raises EngineError, among others
    when the kept data is in use.
    """
    if keep and not durable:
        raise ValueError("data that is kept is durable")
    database_url = _given("DATABASE_URL", environ)
    owner_url = _given("DATABASE_OWNER_URL", environ) or database_url
    redis_url = _given("REDIS_URL", environ)
    if database_url and redis_url:
        yield Engines(database_url, owner_url, redis_url)
        return
    postgres = valkey = None
    with _ended_by_signals() as ignore_signals:
        stack = contextlib.ExitStack()
        try:
            host = stack.enter_context(claimed_host(keep=keep))
            passwords = cluster_passwords(host)
            if not redis_url:
                valkey = Valkey(host, passwords, durable=durable)
                stack.callback(valkey.stop)
                valkey.start()
                redis_url = valkey.url
            if not database_url:
                postgres = Postgres(host, passwords, durable=durable)
                stack.callback(postgres.stop)
                postgres.start()
                database_url, owner_url = postgres.url, postgres.owner_url
            yield Engines(database_url, owner_url, redis_url, postgres, valkey)
        finally:
            ignore_signals()
            stack.close()


def _given(name: str, environ: Mapping[str, str] | None) -> str:
    """A variable, or the content of the file that `NAME_FILE` names, as the settings take it."""
    environ = os.environ if environ is None else environ
    path = environ.get(f"{name}_FILE")
    return (Path(path).read_text(encoding="utf-8") if path else environ.get(name, "")).strip()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[Callable[[], None]]:
    """SIGTERM and SIGHUP raise Terminated. Gives a function that ignores them and Ctrl-C too, for
    the clean-up: a second Ctrl-C must not leave servers behind."""
    previous: dict[signal.Signals, Any] = {}

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise Terminated(signal.Signals(number).name)

    def handle(number: signal.Signals, handler: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            previous.setdefault(number, signal.getsignal(number))
            signal.signal(number, handler)

    def ignore() -> None:
        for number in (signal.SIGINT, *_ENDING_SIGNALS):
            handle(number, signal.SIG_IGN)

    for number in _ENDING_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            handle(number, end)
    try:
        yield ignore
    finally:
        for number, handler in previous.items():
            handle(number, handler)


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """What ends this process and comes meanwhile is raised on leaving: whoever starts another
    process knows it by then. One that is ignored stays so, for that process too."""
    came: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, *_ENDING_SIGNALS)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def run(command: Sequence[str], *, keep: str, durable: bool) -> int:
    """Run a command with the engines' addresses in its environment; its exit code."""
    with provide(keep=keep, durable=durable) as engines:
        environ = {"CAREFIELD_ENV": "development"} | os.environ | engines.environment()
        try:
            with _signals_held_back():
                process = subprocess.Popen(command, env=environ)
                # Signals reach the main thread alone. One that comes when the command has just been
                # waited for would lose its exit code.
                waiting = threading.Thread(target=process.wait, daemon=True)
                waiting.start()
            waiting.join()
        except KeyboardInterrupt as interrupt:
            # Ctrl-C reached the command as well: it ends by itself. The other signals did not.
            if isinstance(interrupt, Terminated):
                process.terminate()
            waiting.join()
    code = process.returncode
    return code if code >= 0 else 128 - code


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m apps.core.engines", description=__doc__)
    runner = parser.add_subparsers(required=True).add_parser(
        "run", help="start the servers, run a command, stop them"
    )
    runner.add_argument("--keep", metavar="NAME", default="", help="data to take up and to leave")
    runner.add_argument("--fast", action="store_true", help="no fsync: a crash may lose the data")
    runner.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    if options.keep and options.fast:
        parser.error("--fast is for data that is thrown away")
    try:
        return run(options.command, keep=options.keep, durable=not options.fast)
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
