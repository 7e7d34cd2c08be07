"""RxDB tablets in a Node process, told what to do over a pipe; see driver.mjs."""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from tests.factories import EnrolledTablet
from tests.processes import Server

PATIENCE = 60.0  # it ends what hangs: what is only slow has the time
Document = dict[str, Any]
_FOLDER = Path(__file__).parent
_OLDEST = (20, 3)  # Node's AbortSignal.any


def missing() -> str | None:
    """Why RxDB cannot be run here; None where it can."""
    if (node := shutil.which("node")) is None:
        return "RxDB is not tried: there is no Node here"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2] if part.isdigit())
    if version < _OLDEST:
        return f"RxDB is not tried: Node {said.strip()} is too old"
    if not (_FOLDER / "node_modules" / ".package-lock.json").is_file():
        return "RxDB is not tried: its packages are not installed (make test does that)"
    return None


class Node:
    """One Node process, for any number of tablets."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(
            ["node", "driver.mjs"],
            cwd=_FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[Document]] = {}
        self._names = (f"tablet{number}" for number in itertools.count(1))
        self._open: list[RxTablet] = []
        assert self._process.stdout is not None
        self._listening = threading.Thread(target=self._listen, args=[self._process.stdout])
        self._listening.start()

    def do(self, command: str, **options: Any) -> Any:
        """What a command answers. AssertionError with what Node says where it fails."""
        number = next(self._numbers)
        answer = self._answers[number] = queue.Queue()
        line = json.dumps({"no": number, "command": command, **options})
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        try:
            found = answer.get(timeout=PATIENCE + 5)
        except queue.Empty:
            raise AssertionError(f"RxDB did not answer to {command}: {self.said()}") from None
        finally:
            del self._answers[number]
        assert "error" not in found, found["error"]
        return found["result"]

    def tablet(
        self,
        of: EnrolledTablet,
        server: Server,
        *,
        url: str | None = None,
        validate: bool = False,
        **collections: str,
    ) -> RxTablet:
        """Opens a new database with these collections (name=kind), and connects it.

        `url`: HTTP goes there, to a proxy before the server. `validate`: with RxDB's validator.
        """
        name = next(self._names)
        session = of.tablet.sign_ins.filter(ended_at=None).first()
        self.do(
            "open",
            name=name,
            url=url or server.url,
            socketUrl=server.ws_url,
            token=of.token,
            author=str(session.user_id) if session else None,
            collections=collections,
            validate=validate,
        )
        tablet = RxTablet(self, name, list(collections))
        self._open.append(tablet)
        return tablet

    def close_all(self) -> None:
        """RxDB opens a handful of collections at most, so every test gives its own back."""
        while self._open:
            self._open.pop().do("close")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._listening.join()
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            assert pipe is not None
            pipe.close()

    def said(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            answer = json.loads(line)
            if (waiting := self._answers.get(answer["no"])) is not None:
                waiting.put(answer)


class RxTablet:
    """One RxDB database with its replications."""

    def __init__(self, node: Node, name: str, collections: Sequence[str]) -> None:
        self._node = node
        self.name = name
        self.collections = collections

    def do(self, command: str, **options: Any) -> Any:
        return self._node.do(command, name=self.name, **options)

    def insert(self, collection: str, **document: Any) -> Document:
        found: Document = self.do("insert", collection=collection, document=document)
        return found

    def patch(self, collection: str, id: str, **fields: Any) -> Document:
        found: Document = self.do("patch", collection=collection, id=id, fields=fields)
        return found

    def remove(self, collection: str, id: str) -> None:
        self.do("remove", collection=collection, id=id)

    def documents(self, collection: str) -> dict[str, Document]:
        """What the person sees, by id."""
        found: dict[str, Document] = self.do("documents", collection=collection)
        return found

    def stored(self, collection: str, *ids: str) -> list[Document]:
        """What lies on the disk under these ids, deleted or not."""
        found: list[Document] = self.do("stored", collection=collection, ids=ids)
        return found

    def wait(self, collection: str, id: str, **members: Any) -> Document:
        """The document as soon as it has these members."""
        found: Document = self.do(
            "wait", collection=collection, id=id, members=members, seconds=PATIENCE
        )
        return found

    def wait_gone(self, collection: str, id: str) -> None:
        self.do("wait", collection=collection, id=id, members=None, seconds=PATIENCE)

    def settle(self, *collections: str) -> None:
        """Until everything was sent and fetched, as far as RxDB knows."""
        self.do("settle", collections=collections or self.collections, seconds=PATIENCE)

    def connect(self) -> None:
        self.do("connect")

    def disconnect(self) -> None:
        self.do("disconnect")

    def restart(self) -> None:
        """Ends the app and starts it again, without contact to the server."""
        self.do("restart")

    def until(self, condition: Callable[[], object]) -> None:
        """Looks again until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it did not come to it: {self.kept}"
            time.sleep(0.02)

    @property
    def kept(self) -> Document:
        """What the adapter keeps (instance, saves, seen, epoch), and the `errors` so far."""
        found: Document = self.do("kept")
        return found

    @property
    def instance(self) -> str:
        return str(self.kept["instance"])
