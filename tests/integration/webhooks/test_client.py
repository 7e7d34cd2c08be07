"""The HTTP of webhooks: where it goes, whatever a name or a server says."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import LazySettings

from apps.core.ids import uuid7
from apps.webhooks import client
from apps.webhooks.client import Sender
from apps.webhooks.fakepartner import Behaviour, FakePartner
from apps.webhooks.models import Outcome
from apps.webhooks.pump import Outside
from apps.webhooks.services import Job, Result

BODY = b'{"data":{}}'


def job(url: str, challenge: str | None = None) -> Job:
    headers = {"webhook-id": str(uuid7())}
    return Job(uuid7(), uuid7(), uuid7(), uuid7(), url, headers, BODY, challenge)


def sent(*jobs: Job, resolves: Any = None, trusts: ssl.SSLContext | None = None) -> list[Result]:
    async def send() -> list[Result]:
        sender = Sender()
        sender._tls = trusts
        if resolves is not None:
            loop = asyncio.get_running_loop()

            async def resolved(host: str, port: int, **options: Any) -> Any:
                return [(0, 0, 0, "", (address, port)) for address in resolves(host)]

            loop.getaddrinfo = resolved  # type: ignore[method-assign,assignment]
        try:
            return [await sender.send(one) for one in jobs]
        finally:
            await sender.close()

    return asyncio.run(send())


@pytest.fixture
def receiver() -> Iterator[FakePartner]:
    with FakePartner().running() as running:
        yield running


def test_the_vetted_address_is_dialled_under_its_own_name(receiver: FakePartner) -> None:
    url = f"http://partner.example:{receiver.port}/well"
    (result,) = sent(job(url), resolves=lambda host: ["127.0.0.1"])
    assert result.outcome == Outcome.ACCEPTED
    assert receiver.received[0].headers["host"] == f"partner.example:{receiver.port}"


def test_a_name_is_resolved_once_so_that_it_cannot_lead_elsewhere_afterwards(
    receiver: FakePartner,
) -> None:
    """DNS rebinding: a public address for the check, another one for the connection."""
    asked: list[str] = []

    def resolves(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    url = f"http://partner.example:{receiver.port}/well"
    results = sent(job(url), job(url), resolves=resolves)
    assert [one.outcome for one in results] == [Outcome.ACCEPTED] * 2
    assert asked == ["partner.example"]


def test_names_that_nobody_answers_for_keep_no_other_waiting(
    receiver: FakePartner, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 5
    stuck, asked = threading.Event(), []
    resolve = socket.getaddrinfo

    def slowly(host: str, *rest: Any, **options: Any) -> Any:
        asked.append(host)
        if host.endswith(".stuck.example"):
            stuck.wait(60)
            raise socket.gaierror
        return resolve("127.0.0.1", *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    outside = Outside()
    try:
        outside.begin(job(f"http://{n % 40}.stuck.example/") for n in range(120))
        outside.begin([job(f"http://partner.example:{receiver.port}/well")])
        [result] = outside.come(seconds=4)
        assert result.outcome == Outcome.ACCEPTED
        assert max(map(asked.count, asked)) == 1
    finally:
        stuck.set()
        outside.close()


class Counting(FakePartner):
    """Counts the connections that were made to it."""

    connections = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await super()._serve(reader, writer)


def test_each_address_keeps_the_connections_that_it_needs(settings: LazySettings) -> None:
    """Two endpoints at one host: neither takes the other's connections away."""
    settings.WEBHOOK_ENDPOINT_IN_FLIGHT = 4

    async def send(url: str) -> list[Outcome]:
        sender = Sender()
        try:
            answers = []
            for _ in range(3):
                jobs = [job(f"{url}/well/{n % 2}") for n in range(8)]
                answers += await asyncio.gather(*map(sender.send, jobs))
            return [one.outcome for one in answers]
        finally:
            await sender.close()

    with Counting().running() as receiver:
        assert set(asyncio.run(send(receiver.url))) == {Outcome.ACCEPTED}
        assert receiver.connections == 8


def test_an_address_that_nothing_is_sent_to_is_forgotten(
    receiver: FakePartner, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    async def send() -> list[str]:
        sender = Sender()
        await sender.send(job(f"{receiver.url}/well/1"))
        passed = settings.WEBHOOK_TIMEOUT_SECONDS + client._RESOLVED_SECONDS + 1
        later = client.time.monotonic() + passed
        monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: later))
        await sender.send(job(f"{receiver.url}/well/2"))
        try:
            return list(sender._targets)
        finally:
            await sender.close()

    assert asyncio.run(send()) == [f"{receiver.url}/well/2"]


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["::ffff:10.0.0.1"], []]
)
def test_a_name_that_leads_inside_is_not_dialled(receiver: FakePartner, found: list[str]) -> None:
    url = f"http://partner.example:{receiver.port}/well"
    (result,) = sent(job(url), resolves=lambda host: found)
    assert result.outcome == Outcome.FORBIDDEN
    assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_production_does_not_reach_itself(
    receiver: FakePartner, settings: LazySettings, host: str
) -> None:
    settings.WEBHOOK_PRIVATE_TARGETS = False
    numbers = (lambda host: ["127.0.0.1"]) if host[0] in "20" else None  # as a resolver reads them
    (result,) = sent(job(f"https://{host}:{receiver.port}/well"), resolves=numbers)
    assert result.outcome in {Outcome.FORBIDDEN, Outcome.UNREACHABLE}
    assert receiver.received == []


def test_no_proxy_of_the_environment_is_asked(
    receiver: FakePartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (result,) = sent(job(f"{receiver.url}/well"))
    assert result.outcome == Outcome.ACCEPTED


def test_the_whole_attempt_has_one_time_limit(
    receiver: FakePartner, settings: LazySettings
) -> None:
    """A server that sends a byte now and then resets every time limit of a single read."""
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.5
    receiver.behave = lambda received: Behaviour(wait=3600)
    (result,) = sent(job(receiver.url))
    assert result.outcome == Outcome.TIMED_OUT
    assert 400 <= result.latency_ms < 5000


@pytest.mark.parametrize("year", ["9" * 20, "9" * 4000])
def test_a_header_that_no_calendar_holds_costs_nobody_an_answer(
    receiver: FakePartner, year: str
) -> None:
    """An attempt without a result was under way for ever, and the pump waited for it."""
    asked = ("Retry-After", f"Wed, 04 Mar {year} 20:01:00 GMT")
    receiver.behave = lambda received: Behaviour(status=503, headers=(asked,))
    (result,) = sent(job(receiver.url))
    assert (result.outcome, result.status, result.retry_after) == (Outcome.FAILED, 503, None)


def test_an_address_and_its_secret_are_in_no_log(
    receiver: FakePartner, caplog: pytest.LogCaptureFixture
) -> None:
    assert logging.getLogger("httpx2").level == logging.WARNING
    with caplog.at_level(logging.INFO):
        sent(job(f"{receiver.url}/well?key=verysecret"), job("http://127.0.0.1:1/?key=verysecret"))
    assert "verysecret" not in caplog.text
    assert "verysecret" not in repr(job("https://h.example/?key=verysecret"))


@contextmanager
def tls_server(name: str, folder: Path) -> Iterator[tuple[int, ssl.SSLContext, list[str]]]:
    """A TLS server with a certificate for one name, a context that trusts it, names it was asked
    for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    names: list[str] = []
    serving.sni_callback = lambda sock, asked, context: names.append(asked or "")
    trusting = ssl.create_default_context(cafile=str(pem))

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_answer_all, args=(listener, serving), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], trusting, names
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def _answer_all(listener: socket.socket, serving: ssl.SSLContext) -> None:
    """One connection after the other, each closed before the next, until the listener is."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        # A handshake that fails is an OSError too.
        with (
            connection,
            contextlib.suppress(OSError),
            serving.wrap_socket(connection, server_side=True) as secure,
        ):
            asked = b""
            # To its end: who closes before it has read all resets the connection, answer and all.
            while not asked.endswith(BODY) and (more := secure.recv(65536)):
                asked += more
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_the_certificate_is_held_against_the_name_not_the_address(tmp_path: Path) -> None:
    with tls_server("partner.example", tmp_path) as (port, trusting, names):
        right, wrong = sent(
            job(f"https://partner.example:{port}/"),
            job(f"https://other.example:{port}/"),
            resolves=lambda host: ["127.0.0.1"],
            trusts=trusting,
        )
    assert right.outcome == Outcome.ACCEPTED
    assert wrong.outcome == Outcome.UNREACHABLE, "its connection is not another name's either"
    assert names == ["partner.example", "other.example"]
