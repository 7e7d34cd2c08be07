"""The local PostgreSQL and Valkey: started, killed and taken up again, for real."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core import engine_host, engine_servers, engines

NOTHING_GIVEN: dict[str, str] = {}
SHOW_ADDRESSES = "import os; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'], flush=True)"
WAIT = "import signal; signal.pause()"


@pytest.fixture
def kept() -> Iterator[str]:
    """A name for kept data, removed afterwards."""
    name = f"test-{os.getpid()}-{time.monotonic_ns()}"
    yield name
    shutil.rmtree(folder_of(name), ignore_errors=True)


@pytest.fixture(scope="module")
def filled() -> Iterator[str]:
    """The name of kept data that holds note 7 and a bell that was rung."""
    name = f"test-{os.getpid()}-filled"
    with engines.provide(keep=name, environ=NOTHING_GIVEN) as pair:
        tell(pair.database_owner_url, "CREATE TABLE note (id int)", "INSERT INTO note VALUES (7)")
        valkey(pair.redis_url).set("bell", "rung")
    yield name
    shutil.rmtree(folder_of(name))


def folder_of(kept: str) -> Path:
    return engine_host._base() / f"kept-{kept}"


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None


def tell(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


def valkey(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))


def servers_in(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] in {"postgres", "valkey-server"}
        and str(process.info["cwd"]).startswith(str(folder))
    ]


def start_runner(*arguments: str, code: str) -> subprocess.Popen[str]:
    """The command line, as a shell would start it; its command prints the addresses, then waits."""
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "apps.core.engines", "run", *arguments),
            *("--", sys.executable, "-c", code),
        ],
        env={k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def pair() -> Iterator[engines.Engines]:
    with engines.provide(environ=NOTHING_GIVEN) as pair:
        yield pair


class TestFreshPair:
    def test_application_role_owns_nothing_and_can_make_nothing(self, pair):
        assert ask(pair.database_url, "SELECT current_user") == "carefield_app"
        assert not ask(
            pair.database_url,
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles "
            "WHERE rolname = current_user",
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tell(pair.database_url, "CREATE TABLE public.mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tell(pair.database_url, "CREATE DATABASE mine")

    def test_owner_makes_tables_and_databases_and_may_act_as_the_application(self, pair):
        tell(
            pair.database_owner_url,
            "CREATE TABLE secret (id int)",
            "CREATE DATABASE another",
            "DROP DATABASE another",
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tell(pair.database_owner_url, "SET ROLE carefield_app", "SELECT * FROM secret")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tell(pair.database_url, "SELECT * FROM secret")

    def test_another_password_does_not_get_in(self, pair):
        stranger = pair.database_url.replace("carefield_app:", "carefield_app:x")
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(stranger, "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            valkey(pair.redis_url.replace("redis://:", "redis://:x")).ping()

    def test_listens_on_loopback_only(self, pair):
        assert pair.postgres is not None
        assert pair.valkey is not None
        for engine in (pair.postgres, pair.valkey):
            listening = psutil.Process(engine.pid).net_connections("tcp")
            addresses = {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN}
            assert addresses == {"127.0.0.1"}
        assert not any(pair.postgres.host.folder.rglob(".s.PGSQL.*"))

    def test_is_durable_unless_asked_otherwise(self, pair):
        assert ask(pair.database_url, "SHOW fsync") == "on"
        assert ask(pair.database_url, "SHOW synchronous_commit") == "on"
        assert valkey(pair.redis_url).config_get("appendonly") == {"appendonly": "yes"}

    def test_full_valkey_refuses_instead_of_dropping_keys(self, pair):
        policy = valkey(pair.redis_url).config_get("maxmemory-policy")
        assert policy == {"maxmemory-policy": "noeviction"}

    def test_server_log_holds_no_row(self, pair):
        tell(pair.database_owner_url, "CREATE TABLE person (name text PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            tell(
                pair.database_owner_url,
                "INSERT INTO person VALUES ('Jo Doe')",
                "INSERT INTO person VALUES ('Jo Doe')",
            )
        assert pair.postgres is not None
        log = pair.postgres.log.read_text()
        assert "person_pkey" in log
        assert "Jo Doe" not in log

    def test_killed_valkey_comes_back_alone_where_it_was_with_its_data(self, pair):
        assert pair.valkey is not None
        assert pair.postgres is not None
        client = valkey(pair.redis_url)
        client.set("bell", "rung")
        pair.valkey.kill()
        with pytest.raises(redis.ConnectionError):
            valkey(pair.redis_url).ping()
        assert ask(pair.database_url, "SELECT 1") == 1
        pair.valkey.start()
        assert pair.valkey.url == pair.redis_url
        assert client.get("bell") == "rung"

    def test_killed_postgres_comes_back_where_it_was_with_what_was_committed(self, pair):
        assert pair.postgres is not None
        tell(pair.database_owner_url, "CREATE TABLE note (id int)", "INSERT INTO note VALUES (7)")
        with psycopg.connect(pair.database_url) as cut:
            pair.postgres.kill()
            with pytest.raises(psycopg.OperationalError):
                cut.execute("SELECT 1")
        assert pair.postgres.pid is None
        pair.postgres.start()
        assert pair.postgres.url == pair.database_url
        assert ask(pair.database_owner_url, "SELECT id FROM note") == 7

    def test_restart_keeps_address_and_data(self, pair):
        assert pair.valkey is not None
        assert pair.postgres is not None
        before = pair.postgres.pid
        pair.postgres.restart()
        pair.valkey.restart()
        assert pair.postgres.pid != before
        assert ask(pair.database_url, "SELECT 1") == 1
        assert valkey(pair.redis_url).ping()


class TestWhatIsGiven:
    def test_given_servers_are_used_and_nothing_is_started(self):
        given = {"DATABASE_URL": "postgresql://u@h/d", "REDIS_URL": "redis://h"}
        with engines.provide(environ=given) as pair:
            assert pair.environment() == {
                "DATABASE_URL": "postgresql://u@h/d",
                "DATABASE_OWNER_URL": "postgresql://u@h/d",
                "REDIS_URL": "redis://h",
            }
            assert pair.postgres is None
            assert pair.valkey is None

    def test_only_the_missing_one_is_started(self, tmp_path):
        address = tmp_path / "database_url"
        address.write_text("postgresql://u@h/d\n")
        given = {"DATABASE_URL_FILE": str(address), "DATABASE_OWNER_URL": "postgresql://o@h/d"}
        with engines.provide(environ=given) as pair:
            assert pair.postgres is None
            assert pair.database_url == "postgresql://u@h/d"
            assert pair.database_owner_url == "postgresql://o@h/d"
            assert valkey(pair.redis_url).ping()

    def test_data_that_is_kept_is_durable(self):
        with (
            pytest.raises(ValueError, match="durable"),
            engines.provide(keep="demo", durable=False),
        ):
            pass


class TestEnding:
    def test_nothing_is_left(self):
        with engines.provide(durable=False, environ=NOTHING_GIVEN) as pair:
            assert pair.postgres is not None
            folder = pair.postgres.host.folder
            assert ask(pair.database_url, "SHOW fsync") == "off"
        assert not folder.exists()
        assert servers_in(folder) == []

    def test_an_exception_ends_the_servers_and_goes_on(self):
        folders = []

        def fail_in_the_middle() -> None:
            with engines.provide(durable=False, environ=NOTHING_GIVEN) as pair:
                assert pair.postgres is not None
                folders.append(pair.postgres.host.folder)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_in_the_middle()
        assert servers_in(folders[0]) == []

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_a_signal_ends_command_and_servers(self, kept, number, code):
        runner = start_runner("--keep", kept, code=f"{SHOW_ADDRESSES}; {WAIT}")
        assert runner.stdout is not None
        assert "postgresql://" in runner.stdout.readline()
        command = [p for p in psutil.Process(runner.pid).children() if "python" in p.name()]
        assert len(command) == 1
        if number == signal.SIGINT:
            os.killpg(runner.pid, number)  # Ctrl-C goes to everything in the terminal
        else:
            runner.send_signal(number)
        assert runner.wait(120) == code
        runner.communicate()
        assert servers_in(folder_of(kept)) == []
        assert not command[0].is_running()

    def test_a_signal_that_comes_while_the_command_starts_ends_it_once_it_is_known(self):
        started = []

        def start() -> None:
            with engines._signals_held_back():
                signal.raise_signal(signal.SIGINT)
                started.append("the command")

        with pytest.raises(KeyboardInterrupt):
            start()
        assert started == ["the command"]

    def test_the_commands_exit_code_is_handed_on(self):
        runner = start_runner("--fast", code="import sys; sys.exit(3)")
        said, complaints = runner.communicate(timeout=120)
        assert (runner.returncode, said, complaints) == (3, "", "")


class TestKeptData:
    def test_second_start_finds_the_data(self, filled):
        with engines.provide(keep=filled, environ=NOTHING_GIVEN) as pair:
            assert ask(pair.database_owner_url, "SELECT id FROM note") == 7
            assert valkey(pair.redis_url).get("bell") == "rung"

    def test_data_in_use_is_refused_with_what_to_do(self, filled):
        with (
            engines.provide(keep=filled, environ=NOTHING_GIVEN),
            pytest.raises(engines.EngineError, match="Another run is using the data"),
            engines.provide(keep=filled, environ=NOTHING_GIVEN),
        ):
            pass

    def test_folder_of_a_killed_run_is_taken_up(self, kept):
        runner = start_runner("--keep", kept, code=f"{SHOW_ADDRESSES}; {WAIT}")
        assert runner.stdout is not None
        database_url, redis_url = runner.stdout.readline().split()
        valkey(redis_url).set("bell", "rung")
        os.killpg(runner.pid, signal.SIGKILL)
        runner.communicate()
        orphans = servers_in(folder_of(kept))
        assert {process.name() for process in orphans} == {"postgres", "valkey-server"}
        assert ask(database_url, "SELECT 1") == 1
        with engines.provide(keep=kept, environ=NOTHING_GIVEN) as pair:
            assert not any(process.is_running() for process in orphans)
            assert ask(pair.database_url, "SELECT 1") == 1
            assert valkey(pair.redis_url).get("bell") == "rung"

    def test_throwaway_folder_of_a_killed_run_is_cleared(self):
        runner = start_runner("--fast", code=f"{SHOW_ADDRESSES}; {WAIT}")
        assert runner.stdout is not None
        assert "postgresql://" in runner.stdout.readline()
        servers = [p for p in psutil.Process(runner.pid).children() if p.name() == "postgres"]
        folder = Path(servers[0].cwd()).parent
        os.killpg(runner.pid, signal.SIGKILL)
        runner.communicate()
        with engine_host.claimed_host():
            assert not folder.exists()
            assert not servers[0].is_running()

    def test_half_made_cluster_is_made_anew(self, kept):
        with engines.provide(keep=kept, environ=NOTHING_GIVEN):
            pass
        (folder_of(kept) / "postgres.complete").unlink()
        (folder_of(kept) / "postgres" / "global" / "pg_control").unlink()
        with engines.provide(keep=kept, environ=NOTHING_GIVEN) as pair:
            assert ask(pair.database_url, "SELECT 1") == 1

    @pytest.mark.parametrize("whose", ["a gone process", "another process"])
    def test_stale_pid_file_does_not_stand_in_the_way(self, filled, whose):
        number = 2**22 + 1 if whose == "a gone process" else os.getpid()
        pid_file = folder_of(filled) / "postgres" / "postmaster.pid"
        pid_file.write_text(
            f"{number}\n{pid_file.parent}\n1700000000\n5432\n\n127.0.0.1\n\nready\n"
        )
        shutil.copystat(pid_file.with_name("PG_VERSION"), pid_file)
        owner = pid_file.with_name("PG_VERSION").stat()
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        with engines.provide(keep=filled, environ=NOTHING_GIVEN) as pair:
            assert ask(pair.database_url, "SELECT 1") == 1

    def test_what_cannot_be_mended_is_said_with_what_to_do(self, filled):
        version = folder_of(filled) / "postgres" / "PG_VERSION"
        right = version.read_text()
        version.write_text("9.6\n")
        with (
            pytest.raises(engines.EngineError, match=f"delete {folder_of(filled)}"),
            engines.provide(keep=filled, environ=NOTHING_GIVEN),
        ):
            pass
        assert servers_in(folder_of(filled)) == []
        version.write_text(right)


class TestPorts:
    def test_a_taken_port_is_passed_over(self, monkeypatch):
        first, second = self.two_ports()
        monkeypatch.setattr(engine_servers, "PORTS", range(first, second + 1))
        with socket.create_server(("127.0.0.1", first)):
            assert engines.free_port() == second
            with (
                socket.create_server(("127.0.0.1", second)),
                pytest.raises(engines.EngineError, match="no free port"),
            ):
                engines.free_port()

    @staticmethod
    def two_ports() -> tuple[int, int]:
        """Free ones beside each other, from where nobody else of a run draws its ports."""
        for first in range(19_000, 20_000, 2):
            try:
                for port in (first, first + 1):
                    socket.create_server(("127.0.0.1", port)).close()
            except OSError:
                continue
            return first, first + 1
        raise AssertionError("no two ports are free")

    def test_a_port_taken_in_the_last_moment_is_changed(self, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            number = taken.getsockname()[1]
            free_port = engines.free_port
            offered = iter([number, free_port(), number, free_port()])
            monkeypatch.setattr(engine_servers, "free_port", lambda: next(offered, free_port()))
            with engines.provide(durable=False, environ=NOTHING_GIVEN) as pair:
                assert ask(pair.database_url, "SELECT 1") == 1
                assert valkey(pair.redis_url).ping()
            assert next(offered, None) is None

    def test_ports_are_not_those_of_outgoing_connections(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            assert engines.free_port() < server.getsockname()[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs its servers as another account")
class TestAsRoot:
    def test_servers_run_as_an_account_that_is_not_root(self):
        with engines.provide(durable=False, environ=NOTHING_GIVEN) as pair:
            for engine in (pair.postgres, pair.valkey):
                assert engine is not None
                assert psutil.Process(engine.pid).uids().effective != 0

    def test_programs_that_the_account_cannot_reach_are_copied_and_no_folder_is_opened(
        self, monkeypatch
    ):
        monkeypatch.setattr(engine_host, "_open_to_all", lambda package: False)
        with engines.provide(durable=False, environ=NOTHING_GIVEN) as pair:
            assert pair.postgres is not None
            program = Path(psutil.Process(pair.postgres.pid).exe())
            assert program.is_relative_to(engine_host._base())
            assert ask(pair.database_url, "SELECT 1") == 1
            assert valkey(pair.redis_url).ping()
