"""The two local servers: how each is prepared, started, asked whether it serves, and ended."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

import psutil
import psycopg
import redis
from psycopg import sql

from apps.core.engine_host import EngineError, Host, write_private

OWNER_ROLE = "carefield_owner"
APP_ROLE = "carefield_app"
DATABASE = "carefield"
HOST = "127.0.0.1"
PORTS = range(20_000, 32_768)
START_SECONDS = 60.0  # crash recovery of a large database is the slowest start
STOP_SECONDS = 20.0
POLL_SECONDS = 0.02
# A server that ends with one of these lines may be started again: the port was taken in between, or
# a killed server's children have not all noticed yet.
_PASSING = ("address already in use", "pre-existing shared memory block")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on, below those of outgoing connections.

    By chance of the system's own: runs of tests that begin with one seed would draw the same ports,
    and between this look and its server's somebody else's is there.
    """
    for port in secrets.SystemRandom().sample(PORTS, min(len(PORTS), 200)):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise EngineError(f"no free port found between {PORTS.start} and {PORTS.stop}")


def cluster_passwords(host: Host) -> dict[str, str]:
    """The passwords of the superuser, both roles and Valkey: made once per folder."""
    path = host.folder / "passwords.json"
    if not path.exists():
        _marker(host).unlink(missing_ok=True)  # a cluster with other passwords is of no use
        names = ("postgres", OWNER_ROLE, APP_ROLE, "valkey")
        write_private(path, json.dumps({name: secrets.token_hex(16) for name in names}))
    passwords: dict[str, str] = json.loads(path.read_text())
    return passwords


def _marker(host: Host) -> Path:
    """A file made when the cluster is complete; without it the cluster is made anew."""
    return host.folder / "postgres.complete"


class Engine(ABC):
    """One server process. `folder` belongs to it; its output goes to `log`."""

    name: ClassVar[str]

    def __init__(self, host: Host, passwords: Mapping[str, str], *, durable: bool) -> None:
        self.host = host
        self.folder = host.folder / self.name
        self.log = host.folder / f"{self.name}.log"
        self.durable = durable
        self.port: int | None = None
        self._passwords = passwords
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def start(self) -> None:
        """Start and wait until it answers; after `stop` or `kill` on the same port.

        Raises EngineError with the end of the log when it does not come up.
        """
        if self.pid is not None:
            return
        self._prepare()
        deadline = time.monotonic() + START_SECONDS
        fixed = self.port
        while True:
            self.port = fixed or free_port()
            try:
                self._launch(deadline)
                return
            except _PassingFailure:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Shut down in good order (open connections are cut), by force after 20 s."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL, as a crash or the kernel would. `start` brings it back."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop in good order and start on the same port."""
        self.stop()
        self.start()

    @abstractmethod
    def _prepare(self) -> None:
        """Make `folder` ready for a start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The server's command line, for the current port."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves, with our password: another server on this port does not count."""

    def _launch(self, deadline: float) -> None:
        with self.log.open("ab") as log:
            start_of_log = log.seek(0, os.SEEK_END)
            self._process = self._popen(self._command(), log)
        try:
            while self._process.poll() is None:
                if self._answers():
                    return
                if time.monotonic() > deadline:
                    raise EngineError(f"{self.name} does not answer. See {self.log}")
                time.sleep(POLL_SECONDS)
        except BaseException:
            self.kill()
            raise
        said = self.log.read_bytes()[start_of_log:].decode(errors="replace")
        passing = any(sign in said.lower() for sign in _PASSING)
        failure = _PassingFailure if passing else EngineError
        raise failure(
            f"{self.name} does not start. To begin afresh, delete {self.host.folder}\n"
            + "\n".join(said.splitlines()[-10:])
        )

    def _popen(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program as the engines' account, with the least environment.

        In a session of its own, so that Ctrl-C in the terminal ends the clients first. LC_ALL:
        on macOS PostgreSQL does not start without.
        """
        who: dict[str, Any] = {}
        if runs_as := self.host.account:
            who = {"user": runs_as.uid, "group": runs_as.gid, "extra_groups": []}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
            **who,
        )

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class _PassingFailure(EngineError):
    """Worth another try."""


class Postgres(Engine):
    """A PostgreSQL cluster with the roles `carefield_owner` and `carefield_app`.

    `durable=False` gives up what a crash of the machine would need (fsync); tests alone ask for it.
    """

    name = "postgres"

    @property
    def url(self) -> str:
        """As the application's role, which owns nothing."""
        return self._url(APP_ROLE, DATABASE)

    @property
    def owner_url(self) -> str:
        """As the role that owns the database, migrates it, and may create others."""
        return self._url(OWNER_ROLE, DATABASE)

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@{HOST}:{self.port}/{database}"

    def start(self) -> None:
        """As `Engine.start`; the first time the roles and the database are made too."""
        super().start()
        if not _marker(self.host).exists():
            self._create_roles()
            _marker(self.host).touch()

    def _prepare(self) -> None:
        if _marker(self.host).exists() and (self.folder / "PG_VERSION").exists():
            self._drop_stale_pid_file()
            return
        _marker(self.host).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700)
        self.host.own(self.folder)
        password_file = self.host.folder / "postgres.password"
        write_private(password_file, self._passwords["postgres"])
        self.host.own(password_file)
        # The builtin C.UTF-8 sorts the same on every machine, unlike the system's locales.
        command = [
            str(self.host.postgres_programs / "initdb"), f"--pgdata={self.folder}",
            "--username=postgres", f"--pwfile={password_file}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8",
            "--no-instructions", *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            failed = self._popen(command, log).wait()
        password_file.unlink()
        if failed:
            raise EngineError(f"PostgreSQL cannot be set up. See {self.log}")

    def _drop_stale_pid_file(self) -> None:
        """PostgreSQL refuses to start while the number in its pid file is anybody's. On taking up
        a folder nothing works in it any more, so a number in use has been given anew."""
        pid_file = self.folder / "postmaster.pid"
        if self.port is None and pid_file.exists():
            first_line = pid_file.read_text().partition("\n")[0]
            if first_line.isdigit() and psutil.pid_exists(int(first_line)):
                pid_file.unlink()

    def _command(self) -> list[str]:
        options = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "max_prepared_transactions": 0,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            # A log line carries no row: neither the statement nor the DETAIL with its values.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        pairs = (part for name, value in options.items() for part in ("-c", f"{name}={value}"))
        return [str(self.host.postgres_programs / "postgres"), "-D", str(self.folder), *pairs]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create_roles(self) -> None:
        # The owner may become the application's role (SET ROLE) without having its rights.
        statements = [
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                sql.Identifier(OWNER_ROLE), self._passwords[OWNER_ROLE]
            ),
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                sql.Identifier(APP_ROLE), self._passwords[APP_ROLE]
            ),
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                sql.Identifier(APP_ROLE), sql.Identifier(OWNER_ROLE)
            ),
            sql.SQL("CREATE DATABASE {} OWNER {}").format(
                sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)
            ),
        ]
        url = self._url("postgres", "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


class Valkey(Engine):
    """A Valkey server that refuses writes when full instead of dropping keys."""

    name = "valkey"

    @property
    def url(self) -> str:
        """Database 0, with the password."""
        return f"redis://:{self._passwords['valkey']}@{HOST}:{self.port}/0"

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.host.own(self.folder)

    def _command(self) -> list[str]:
        configuration = self.folder / "valkey.conf"
        lines = (
            f"bind {HOST}",
            f"port {self.port}",
            f"dir {self.folder}",
            f"requirepass {self._passwords['valkey']}",
            "maxmemory-policy noeviction",
            f"appendonly {'yes' if self.durable else 'no'}",
            'save ""',
        )
        write_private(configuration, "\n".join(lines) + "\n")
        self.host.own(configuration)
        return [str(self.host.valkey_program), str(configuration)]

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
