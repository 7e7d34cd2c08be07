"""Who is let in, and what everybody else is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from websockets.exceptions import InvalidStatus

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Entry
from apps.changes.reading import head
from apps.core import clock
from apps.core.ids import uuid7
from apps.sync.headers import format_head
from tests.factories import PASSWORD, EnrolledTablet, person, tablet
from tests.probe import rooms
from tests.probe.client import dialled, joined
from tests.processes import Server


@pytest.fixture
def held() -> EnrolledTablet:
    return tablet(person())


def bearer(held: EnrolledTablet) -> dict[str, str]:
    return {"Authorization": f"Bearer {held.token}"}


def turned_away(
    server: Server, hello: Any, path: str = "/ws/v1/sync", **options: Any
) -> tuple[int, str]:
    with dialled(f"{server.ws_url}{path}", **options) as client:
        if hello is not None:
            client.connection.send(hello if isinstance(hello, str | bytes) else json.dumps(hello))
        return client.closed()


def hello(held: EnrolledTablet, **fields: Any) -> dict[str, Any]:
    return {"type": "hello", "instance": str(held.instance), **fields}


# --- hello ---


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "JSON"),
        ("not json", "JSON"),
        ("[1]", "object"),
        (b"\x00\x01", "text"),
        ({"type": "push"}, "type hello"),
        ({"type": "hello"}, "instance"),
        ({"type": "hello", "instance": "me"}, "instance"),
        ({"type": "hello", "mode": "loud"}, "mode"),
        ("x" * 70_000, "at most"),
    ],
    ids=str,
)
def test_a_bad_hello_is_told_why(
    shared: Server, held: EnrolledTablet, message: Any, reason: str
) -> None:
    code, said = turned_away(shared, message, additional_headers=bearer(held))
    assert code == 4400
    assert reason in said


def test_a_message_larger_than_any_hello_is_not_held(shared: Server) -> None:
    """Nobody has shown a credential yet, and five hundred may be knocking."""
    assert turned_away(shared, "x" * 300_000)[0] == 1009


def test_no_hello_in_time(serve: Callable[..., Server], held: EnrolledTablet) -> None:
    server = serve(SOCKET_HELLO_SECONDS="0.3")
    code, said = turned_away(server, None, additional_headers=bearer(held))
    assert (code, said) == (4400, "no hello came in time")


def test_nonsense_after_the_hello_ends_the_socket(shared: Server, held: EnrolledTablet) -> None:
    with joined(shared.ws_url, held) as client:
        client.connection.send('{"type":"unheard of"}')  # perhaps of a newer client
        assert client.next()["type"] == "heartbeat"
        client.connection.send("}{")
        assert client.closed()[0] == 4400


def test_a_checkpoint_of_another_local_database(shared: Server, held: EnrolledTablet) -> None:
    with joined(shared.ws_url, held) as client:
        id = rooms.note("x", to=held.tablet.sign_ins.get().user)
        client.until(lambda: client.has(id))
    other = tablet(person())
    greeting = hello(other, checkpoints={"notes": client.checkpoints["notes"]})
    code, said = turned_away(shared, greeting, additional_headers=bearer(other))
    assert code == 4400
    assert said == "checkpoint of notes: It belongs to another local database."


# --- credentials ---


def test_no_credential(shared: Server, held: EnrolledTablet) -> None:
    assert turned_away(shared, hello(held))[0] == 4401


@pytest.mark.parametrize("token", ["cft_nothing", "", "x y"])
def test_a_wrong_token(shared: Server, held: EnrolledTablet, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    assert turned_away(shared, hello(held), additional_headers=headers)[0] == 4401


def test_a_token_in_the_address_is_not_looked_at(shared: Server, held: EnrolledTablet) -> None:
    path = f"/ws/v1/sync?token={held.token}&ticket={held.token}"
    assert turned_away(shared, hello(held), path)[0] == 4401
    assert held.token not in shared.said()


def test_a_retired_tablet(shared: Server, held: EnrolledTablet) -> None:
    accounts.retire_tablet(
        tablet=held.tablet, by=accounts.user_actor(person(Role.SUPERVISOR)), now=clock.now()
    )
    assert turned_away(shared, hello(held), additional_headers=bearer(held))[0] == 4401


def test_the_local_database_of_another_tablet(shared: Server, held: EnrolledTablet) -> None:
    other = tablet(person())
    rooms.note("secret", to=held.tablet.sign_ins.get().user)
    code, said = turned_away(shared, hello(held), additional_headers=bearer(other))
    assert code == 4403
    assert "another tablet" in said


def test_a_ticket_opens_one_socket(shared: Server, held: EnrolledTablet) -> None:
    ticket = accounts.make_ticket(tablet=held.tablet, user=None, now=clock.now())
    id = rooms.note("x", to=held.tablet.sign_ins.get().user)
    with dialled(f"{shared.ws_url}/ws/v1/sync") as client:
        client.hello(instance=str(held.instance), ticket=ticket)
        client.until(lambda: client.has(id))
    assert turned_away(shared, hello(held, ticket=ticket))[0] == 4401


def test_a_tablets_ticket_opens_no_desk(shared: Server, held: EnrolledTablet) -> None:
    ticket = accounts.make_ticket(tablet=held.tablet, user=None, now=clock.now())
    assert turned_away(shared, hello(held, ticket=ticket), "/ws/v1/desk")[0] == 4401


# --- origins and addresses ---


@pytest.mark.parametrize("path", ["/ws/v1/sync", "/ws/v1/desk"])
def test_a_foreign_origin_is_refused_at_the_door(
    shared: Server, held: EnrolledTablet, path: str
) -> None:
    with (
        pytest.raises(InvalidStatus) as raised,
        dialled(
            f"{shared.ws_url}{path}",
            origin="https://evil.example",
            additional_headers=bearer(held),
        ),
    ):
        pass
    assert raised.value.response.status_code == 403


def test_our_own_origin_is_let_in(shared: Server, held: EnrolledTablet) -> None:
    ticket = accounts.make_ticket(tablet=held.tablet, user=None, now=clock.now())
    with dialled(f"{shared.ws_url}/ws/v1/sync", origin=shared.url) as client:
        client.hello(instance=str(held.instance), ticket=ticket)


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/v1/sync/", "/ws/v2/sync"])
def test_an_unknown_address(shared: Server, path: str) -> None:
    with pytest.raises(InvalidStatus) as raised, dialled(f"{shared.ws_url}{path}"):
        pass
    assert raised.value.response.status_code == 403


# --- desks ---


def session_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISPATCHER])
def test_a_desk_gets_what_its_person_may_see(shared: Server, role: str) -> None:
    user = person(role)
    assert accounts.standing_scopes(user)
    to = user.team if role == Role.SUPERVISOR else None
    with dialled(
        f"{shared.ws_url}/ws/v1/desk", origin=shared.url, additional_headers=session_of(user)
    ) as client:
        client.hello()
        assert "notes" in client.welcome["collections"]
        assert "marks" not in client.welcome["collections"]
        if to:
            id = rooms.note("for the team", to=to)
            client.until(lambda: client.has(id))
            entry = Entry.objects.get(action="read")
            assert (entry.actor_kind, entry.actor_id, entry.tablet_id) == ("user", user.pk, None)


def test_a_session_without_an_origin_does_not_count(shared: Server) -> None:
    headers = session_of(person(Role.SUPERVISOR))
    code, _ = turned_away(shared, {"type": "hello"}, "/ws/v1/desk", additional_headers=headers)
    assert code == 4401


def test_a_responder_has_no_desk(shared: Server) -> None:
    code, said = turned_away(
        shared,
        {"type": "hello"},
        "/ws/v1/desk",
        origin=shared.url,
        additional_headers=session_of(person()),
    )
    assert code == 4403
    assert "supervisors and dispatchers" in said


def test_a_desk_by_ticket_needs_no_cookie(shared: Server) -> None:
    user = person(Role.SUPERVISOR)
    ticket = accounts.make_ticket(tablet=None, user=user, now=clock.now())
    with dialled(f"{shared.ws_url}/ws/v1/desk") as client:
        client.hello(ticket=ticket)


def test_a_deactivated_person_loses_the_desk_at_once(shared: Server) -> None:
    user = person(Role.SUPERVISOR)
    with dialled(
        f"{shared.ws_url}/ws/v1/desk", origin=shared.url, additional_headers=session_of(user)
    ) as client:
        client.hello()
        assert client.next()["type"] == "heartbeat"
        user.is_active = False
        accounts.save_user(user=user, by=accounts.user_actor(user), now=clock.now())
        assert client.closed() == (4401, "this access was ended")  # and not looked up later


def test_a_session_that_ended_is_noticed(rechecking: Server) -> None:
    user = person(Role.SUPERVISOR, password=True)
    browser = Client()
    assert browser.login(request=_request(), username=user.username, password=PASSWORD), (
        "sign in as a person does"
    )
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    with dialled(
        f"{rechecking.ws_url}/ws/v1/desk", origin=rechecking.url, additional_headers=cookie
    ) as client:
        client.hello()
        browser.logout()
        assert client.closed()[0] == 4401


def _request() -> Any:
    from django.test import RequestFactory  # noqa: PLC0415

    return RequestFactory().post("/admin/login/")


# --- histories ---


def test_another_history_is_named_and_left(shared: Server, held: EnrolledTablet) -> None:
    rooms.note("x", to=held.tablet.sign_ins.get().user)
    seen = format_head(head())
    with connection.cursor() as cursor:
        cursor.execute("alter table feed_commit disable trigger user")
        cursor.execute("update feed_commit set nonce = nonce + 1 where seq = %s", [head().seq])
        cursor.execute("alter table feed_commit enable trigger user")
    with joined(shared.ws_url, held, seen=seen) as client:
        assert client.welcome["epoch"]
        assert client.closed()[0] == 4409
        assert client.received == []


def test_the_clock_may_be_told_in_the_hello(shared: Server, held: EnrolledTablet) -> None:
    fast = int(clock.now().timestamp() * 1000) + 3 * 3_600_000
    with joined(shared.ws_url, held, clock=f"{fast};rtt=20"):
        held.tablet.refresh_from_db()
        assert held.tablet.clock_offset_ms == pytest.approx(3 * 3_600_000, abs=60_000)


def test_a_new_local_database_is_made_known(shared: Server, held: EnrolledTablet) -> None:
    fresh = EnrolledTablet(held.tablet, held.token, uuid7())
    id = rooms.note("x", to=held.tablet.sign_ins.get().user)
    with joined(shared.ws_url, fresh) as client:
        client.until(lambda: client.has(id))
