"""HTTP under ASGI as Django has it, in one thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core import signals

from apps.core.asgi import HTTPHandler
from tests.integration.core.asgi import views
from tests.integration.core.asgi.views import MOST, PATIENCE, Answer, call, told, until, work


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

    def test_of_pages_is_made_in_one_thread_that_is_not_the_loops(self) -> None:
        answer = asyncio.run(call(HTTPHandler(), "/pages"))
        assert (answer.status, answer.body) == (200, b"0 1 ")
        first, second, end = told[-3:]
        assert (first, end) == (second, "stream ended")
        assert first != threading.current_thread().name

    @pytest.mark.parametrize("address", ["/stream", "/pages"])
    def test_ends_with_its_client(self, address: str) -> None:
        async def play() -> Answer:
            answer, gone = Answer(), asyncio.Event()
            asked = asyncio.ensure_future(
                call(HTTPHandler(), f"{address}?for_ever=1", answer=answer, gone=gone)
            )
            await answer.begun.wait()
            assert not asked.done()
            gone.set()
            async with asyncio.timeout(PATIENCE):
                await asked
            return answer

        answer = asyncio.run(play())
        assert answer.body.startswith((b"one", b"0"))
        assert not answer.whole.is_set()
        assert told[-1] == "stream ended"

    @pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
    def test_of_a_file_is_whole_and_closes_it(self) -> None:
        answer = asyncio.run(call(HTTPHandler(), "/file"))
        assert answer.body == Path(views.__file__).read_bytes()


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
            # In one turn of the loop: two take all the room, and no time is over for the third.
            *answers, kept_out = await asyncio.gather(push(stalls=True), push(stalls=True), push())
            assert {one.headers["connection"] for one in answers} == {"close"}
            work.go.set()
            let_in = await push()
            return [kept_out.status, *(one.status for one in answers), let_in.status]

        assert asyncio.run(asyncio.wait_for(play(), PATIENCE)) == [503, 408, 408, 200]
