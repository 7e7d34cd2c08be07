"""HTTP under ASGI as Django has it, in one thread; and who is let in when many come at once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signals
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.urls import get_script_prefix, path
from django.utils import timezone

from apps.core.admission import LONGEST, Pace
from apps.core.asgi import HTTPHandler

MOST = 100_000  # bytes of a body
INTAKE = "/api/v1/dispatch/incidents"
PATIENCE = 60.0


class Work:
    """A view that waits until it is let go, and counts how many wait in it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """For another test."""
        self.go = threading.Event()
        self.inside = 0
        self.reached = 0

    def __call__(self, request: HttpRequest, **_: str) -> HttpResponse:
        with self._lock:
            self.inside += 1
            self.reached = max(self.reached, self.inside)
        assert self.go.wait(PATIENCE)
        with self._lock:
            self.inside -= 1
        return HttpResponse("done")


work = Work()
told: list[Any] = []


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def place(request: HttpRequest) -> HttpResponse:
    here = [request.path, get_script_prefix(), threading.current_thread().name]
    return HttpResponse(json.dumps([*here, str(timezone.get_current_timezone())]))


def abroad(request: HttpRequest) -> HttpResponse:
    timezone.activate("Asia/Tokyo")
    return place(request)


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("a secret of somebody")


def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> Any:
        try:
            yield b"one "
            yield b"two"
            if request.GET.get("for_ever"):
                await asyncio.sleep(3600)
        finally:
            told.append("stream ended")

    return StreamingHttpResponse(parts())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))  # closed with the answer


urlpatterns = [
    path("echo", echo),
    path("place", place),
    path("abroad", abroad),
    path("broken", broken),
    path("stream", stream),
    path("file", file),
    path("healthz", lambda _: HttpResponse("live")),
    path("api/v1/sync", work),
    path("api/v1/sync/<str:collection>/<str:what>", work),
    path("api/v1/media/<str:name>", work),
    path("api/v1/dispatch/incidents", lambda _: HttpResponse("taken")),
]
handler500 = "apps.core.problems.server_error"


@pytest.fixture(autouse=True)
def _here(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = MOST
    settings.REQUEST_THREADS = 7
    settings.REQUEST_QUEUE = 10
    told.clear()
    work.begin()
    yield
    work.go.set()


class Answer:
    """What was sent back. `whole` is set with the last part, `begun` with the first."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.begun = asyncio.Event()
        self.whole = asyncio.Event()

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
            return
        self.body += message.get("body", b"")
        self.begun.set()
        if not message.get("more_body"):
            self.whole.set()


async def call(
    handler: HTTPHandler,
    path: str = "/echo",
    *chunks: bytes,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    answer: Answer | None = None,
    gone: asyncio.Event | None = None,
    stalls: bool = False,
    **scope: Any,
) -> Answer:
    """One request. `gone`: when it is set, the client hangs up. `stalls`: it announces more of its
    body, and sends no more."""
    answer = answer or Answer()
    waiting = [*chunks] or [b""]
    address, _, query = path.partition("?")
    given = {"host": "testserver", **(headers or {})}

    async def receive() -> Mapping[str, Any]:
        if waiting:
            chunk = waiting.pop(0)
            if chunk is None:
                return {"type": "http.disconnect"}
            told.append(len(chunk))
            return {"type": "http.request", "body": chunk, "more_body": stalls or bool(waiting)}
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    await handler(
        {
            "type": "http",
            "method": method,
            "path": address,
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            **scope,
        },
        receive,
        answer.send,
    )
    return answer


def test_a_body_in_parts_is_one() -> None:
    answer = asyncio.run(call(HTTPHandler(), "/echo", b"ab", b"", b"c", method="POST"))
    assert (answer.status, answer.body) == (200, b"abc")


def test_a_client_that_goes_away_early_is_not_answered() -> None:
    answer = asyncio.run(
        call(HTTPHandler(), "/echo", b"ab", None, method="POST")  # type: ignore[arg-type]
    )
    assert answer.status == 0


def test_the_path_below_a_prefix() -> None:
    answer = asyncio.run(call(HTTPHandler(), "/below/place", root_path="/below"))
    where, prefix, thread, _ = json.loads(answer.body)
    assert (where, prefix) == ("/below/place", "/below/")
    assert thread.startswith("request")


def test_nothing_of_one_request_is_left_for_the_next(settings: Any) -> None:
    settings.REQUEST_THREADS = 1
    handler = HTTPHandler()
    answers = [asyncio.run(call(handler, one)) for one in ("/abroad", "/place")]
    assert [json.loads(one.body)[3] for one in answers] == ["Asia/Tokyo", "UTC"]


def test_django_hears_of_the_beginning_and_the_end() -> None:
    heard: list[tuple[str, object]] = []

    def began(sender: object, scope: Mapping[str, Any], **_: object) -> None:
        heard.append((scope["path"], sender))

    def ended(sender: object, **_: object) -> None:
        heard.append(("end", sender))

    signals.request_started.connect(began)
    signals.request_finished.connect(ended)
    try:
        for one in ("/echo", "/stream"):
            asyncio.run(call(HTTPHandler(), one))
    finally:
        signals.request_started.disconnect(began)
        signals.request_finished.disconnect(ended)
    expected = ["/echo", "end", "/stream", "end"]
    assert heard == [(one, HTTPHandler) for one in expected]


def test_a_fault_is_told_without_a_word_of_it() -> None:
    answer = asyncio.run(call(HTTPHandler(), "/broken"))
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "failed")
    assert b"secret" not in answer.body


@pytest.mark.parametrize("host", ["elsewhere.example", ""])
def test_a_foreign_host_is_refused(host: str) -> None:
    answer = asyncio.run(call(HTTPHandler(), "/echo", headers={"host": host}))
    assert answer.status == 400


def test_an_address_that_is_no_text_is_refused() -> None:
    answer = asyncio.run(call(HTTPHandler(), "/echo", headers={"x": "y"}, query_string=b"\xff\xfe"))
    assert answer.status in {200, 400}


class TestAStream:
    def test_comes_in_parts(self) -> None:
        answer = asyncio.run(call(HTTPHandler(), "/stream"))
        assert (answer.status, answer.body) == (200, b"one two")
        assert told[-1] == "stream ended"

    def test_ends_with_its_client(self) -> None:
        async def play() -> Answer:
            answer, gone = Answer(), asyncio.Event()
            asked = asyncio.ensure_future(
                call(HTTPHandler(), "/stream?for_ever=1", answer=answer, gone=gone)
            )
            await answer.begun.wait()
            assert not asked.done()
            gone.set()
            async with asyncio.timeout(PATIENCE):
                await asked
            return answer

        answer = asyncio.run(play())
        assert answer.body.startswith(b"one")
        assert not answer.whole.is_set()
        assert told[-1] == "stream ended"

    @pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
    def test_of_a_file_is_whole_and_closes_it(self) -> None:
        answer = asyncio.run(call(HTTPHandler(), "/file"))
        assert answer.body == Path(__file__).read_bytes()


class TestALargeBody:
    def test_is_refused_unread_where_it_is_announced(self) -> None:
        headers = {"content-length": str(MOST + 1)}
        answer = asyncio.run(
            call(HTTPHandler(), "/echo", b"x" * 10, method="POST", headers=headers)
        )
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "too-large")
        assert told == []  # not a byte of it was asked for

    def test_is_refused_as_soon_as_it_shows(self) -> None:
        chunks = [b"x" * 40_000] * 9
        answer = asyncio.run(call(HTTPHandler(), "/echo", *chunks, method="POST"))
        assert (answer.status, json.loads(answer.body)["code"]) == (413, "too-large")
        assert len(told) == 3

    def test_of_the_largest_size_is_taken(self) -> None:
        answer = asyncio.run(call(HTTPHandler(), "/echo", b"x" * MOST, method="POST"))
        assert (answer.status, len(answer.body)) == (200, MOST)

    def test_is_never_written_to_a_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile._mkstemp_inner", lambda *_: pytest.fail("a file was made"))
        answer = asyncio.run(call(HTTPHandler(), "/echo", b"x" * MOST, method="POST"))
        assert answer.status == 200

    def test_many_of_them_wait_until_some_are_done(self, settings: Any) -> None:
        settings.REQUEST_BODIES_BYTES = 2 * MOST

        async def play() -> tuple[list[int], int]:
            handler = HTTPHandler()
            large = [b"x" * MOST]
            first = [
                asyncio.ensure_future(call(handler, "/api/v1/sync", *large, method="POST"))
                for _ in range(2)
            ]
            await until(lambda: work.inside == 2)
            third = await call(handler, "/api/v1/sync", *large, method="POST")
            other = await call(handler, "/echo", *large, method="POST")
            work.go.set()
            statuses = [(await one).status for one in first]
            later = await call(handler, "/api/v1/sync", *large, method="POST")
            assert int(third.headers["retry-after"]) >= 1
            return [*statuses, later.status], third.status * 1000 + other.status

        assert asyncio.run(play()) == ([200, 200, 200], 503 * 1000 + 200)


    def test_that_never_ends_keeps_no_other_out(self, settings: Any) -> None:
        settings.REQUEST_BODIES_BYTES = 2 * MOST
        settings.REQUEST_BODY_SECONDS = 0.2

        async def play() -> list[int]:
            handler = HTTPHandler()
            push = partial(call, handler, "/api/v1/sync/facts/push", b"x" * MOST, method="POST")
            stalled = [asyncio.ensure_future(push(stalls=True)) for _ in range(2)]
            await until(lambda: len(told) == 2)  # all the room is theirs
            kept_out = await push()
            answers = [await one for one in stalled]
            assert {one.headers["connection"] for one in answers} == {"close"}
            work.go.set()
            let_in = await push()
            return [kept_out.status, *(one.status for one in answers), let_in.status]

        assert asyncio.run(asyncio.wait_for(play(), PATIENCE)) == [503, 408, 408, 200]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  (threads set no event of the loop)
            await asyncio.sleep(0.005)


class TestAHerd:
    """Many tablets at once, on a server with seven threads whose line has room for ten."""

    def play(self, method: str, address: str, count: int = 40) -> SimpleNamespace:
        async def run() -> SimpleNamespace:
            handler = HTTPHandler()
            herd = [
                asyncio.ensure_future(call(handler, address, method=method)) for _ in range(count)
            ]
            await until(lambda: sum(one.done() for one in herd) + work.inside + 10 >= count)
            refused = [one.result() for one in herd if one.done()]
            # While tablets wait, others are answered at once.
            async with asyncio.timeout(PATIENCE):
                calls = await asyncio.gather(
                    *(call(handler, INTAKE, method="POST") for _ in range(30)),
                    *(call(handler, "/healthz") for _ in range(30)),
                )
            inside = work.inside
            work.go.set()
            answers = await asyncio.gather(*herd)
            return SimpleNamespace(refused=refused, calls=calls, inside=inside, answers=answers)

        return asyncio.run(run())

    def test_has_its_share_of_the_threads_and_a_line_that_ends(self) -> None:
        found = self.play("GET", "/api/v1/sync/assignments/pull")
        assert found.inside == work.reached == 5
        assert len(found.refused) == 40 - 5 - 10
        assert sorted(one.status for one in found.answers) == [200] * 15 + [503] * 25

    def test_is_told_when_to_come_back(self) -> None:
        found = self.play("GET", "/api/v1/sync/assignments/pull")
        for one in found.refused:
            assert json.loads(one.body)["code"] == "busy"
            assert one.headers["content-type"] == "application/problem+json"
            assert one.headers["content-length"] == str(len(one.body))
            assert 1 <= int(one.headers["retry-after"]) <= LONGEST
        assert len({one.headers["retry-after"] for one in found.refused}) > 1  # not all at once

    def test_delays_no_call_and_no_desk(self) -> None:
        found = self.play("POST", "/api/v1/sync/facts/push")
        assert {one.status for one in found.calls} == {200}

    def test_of_pushes_leaves_room_for_a_pull(self) -> None:
        """Pushes that wait for a lock never delay a call's way to a tablet."""

        async def run() -> int:
            handler = HTTPHandler()
            push = partial(call, handler, "/api/v1/sync/facts/push", method="POST")
            pushes = [asyncio.ensure_future(push()) for _ in range(8)]
            await until(lambda: work.inside == 4)
            pull = asyncio.ensure_future(call(handler, "/api/v1/sync/assignments/pull"))
            await until(lambda: work.inside == 5)
            work.go.set()
            await asyncio.gather(*pushes)
            return (await pull).status

        assert asyncio.run(run()) == 200

    def test_of_pictures_leaves_most_to_the_others(self) -> None:
        found = self.play("PUT", "/api/v1/media/abc", count=20)
        assert found.inside == 2

    def test_of_pictures_leaves_the_line_of_records_free(self) -> None:
        async def run() -> tuple[list[int], int, int]:
            handler = HTTPHandler()
            send = partial(call, handler, "/api/v1/media/abc", method="PUT")
            herd = [asyncio.ensure_future(send()) for _ in range(40)]
            await until(lambda: work.inside == 2 and sum(one.done() for one in herd) == 36)
            pull = asyncio.ensure_future(call(handler, "/api/v1/sync/assignments/pull"))
            look = asyncio.ensure_future(call(handler, "/api/v1/media/abc"))
            await until(lambda: work.inside == 4)
            work.go.set()
            sent = [answer.status for answer in await asyncio.gather(*herd)]
            return sent, (await pull).status, (await look).status

        sent, pulled, looked = asyncio.run(run())
        assert sorted(sent) == [200] * 4 + [503] * 36
        assert (pulled, looked) == (200, 200)

    def test_of_pictures_leaves_the_bodies_of_records_room(self, settings: Any) -> None:
        settings.REQUEST_BODIES_BYTES = 4 * MOST

        async def run() -> tuple[int, int]:
            handler = HTTPHandler()
            body = [b"x" * MOST]
            first = asyncio.ensure_future(call(handler, "/api/v1/media/abc", *body, method="PUT"))
            await until(lambda: work.inside == 1)
            second = await call(handler, "/api/v1/media/abc", *body, method="PUT")
            push = asyncio.ensure_future(call(handler, "/api/v1/sync", *body, method="POST"))
            await until(lambda: work.inside == 2)
            work.go.set()
            await first
            return second.status, (await push).status

        assert asyncio.run(run()) == (503, 200)

    def test_on_a_server_with_one_thread_is_served_too(self, settings: Any) -> None:
        settings.REQUEST_THREADS = 1
        work.go.set()
        handler = HTTPHandler()
        for method, address in (("GET", "/api/v1/sync/a/pull"), ("POST", "/api/v1/sync")):
            assert asyncio.run(call(handler, address, method=method)).status == 200


class Company:
    """Answers in groups, and remembers them."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.go = threading.Event()

    def admits(self, request: HttpRequest) -> bool:
        return request.path.startswith("/api/v1/sync/pages/")

    def answer(self, requests: Sequence[HttpRequest]) -> list[HttpResponse | None]:
        bodies = [request.body.decode() for request in requests]
        self.groups.append(bodies)
        assert self.go.wait(PATIENCE)
        if "break" in bodies:
            raise ValueError("nobody can be answered")
        return [None if one == "alone" else HttpResponse(f"with {one}") for one in bodies]


class TestTogether:
    """Requests that arrive at the same time, answered in groups."""

    def play(self, *bodies: str) -> tuple[Company, list[str]]:
        """The first two are worked on when the others arrive."""
        company = Company()

        async def run() -> list[str]:
            handler = HTTPHandler(company)
            send = partial(call, handler, "/api/v1/sync/pages/push", method="POST")
            sent = []
            for number, body in enumerate(bodies, 1):
                sent.append(asyncio.ensure_future(send(body.encode())))
                await until(lambda: len(company.groups) == min(2, number) or number > 2)  # noqa: B023
            for _ in range(20):
                await asyncio.sleep(0)  # they stand in line
            company.go.set()
            work.go.set()
            return [answer.body.decode() for answer in await asyncio.gather(*sent)]

        return company, asyncio.run(run())

    def test_nobody_waits_for_company(self) -> None:
        company, answers = self.play("a", "b", "c", "d", "e")
        assert company.groups == [["a"], ["b"], ["c", "d", "e"]]
        assert answers == ["with a", "with b", "with c", "with d", "with e"]

    def test_what_cannot_be_answered_so_goes_the_ordinary_way(self) -> None:
        company, answers = self.play("a", "b", "alone", "c")
        assert company.groups[2] == ["alone", "c"]
        assert answers == ["with a", "with b", "done", "with c"]

    def test_a_group_that_fails_is_answered_one_by_one(self) -> None:
        _, answers = self.play("a", "b", "break", "c")
        assert answers == ["with a", "with b", "done", "done"]

    def test_a_group_has_an_end(self) -> None:
        large = "x" * 90_000
        company, answers = self.play("a", "b", *[large] * 4)
        assert [len(group) for group in company.groups] == [1, 1, 2, 2]
        assert answers[2:] == [f"with {large}"] * 4


class TestThePace:
    def test_spreads_wider_the_more_were_sent_away(self) -> None:
        pace = Pace(5)
        waits = [pace.retry_after(waiting=100, now=0.0) for _ in range(2000)]
        assert max(waits[:10]) <= 3
        assert max(waits[-100:]) > 15
        assert len(set(waits[-300:])) > 10  # not all at once
        assert min(waits) >= 1
        assert max(waits) <= LONGEST

    def test_is_quick_again_when_they_have_come_back(self) -> None:
        pace = Pace(5)
        for _ in range(2000):
            pace.retry_after(waiting=100, now=0.0)
        assert pace.retry_after(waiting=0, now=100.0) <= 2

    def test_follows_what_a_request_takes(self) -> None:
        slow, quick = Pace(5), Pace(5)
        for _ in range(200):
            slow.took(1.0)
            quick.took(0.001)
        waits = {
            name: max(pace.retry_after(waiting=50, now=0.0) for _ in range(200))
            for name, pace in (("slow", slow), ("quick", quick))
        }
        assert waits["slow"] > 30
        assert waits["quick"] <= 2
