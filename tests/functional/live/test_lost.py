"""What becomes of the socket of a tablet that is lost, compromised, or signed in for too long."""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from apps.accounts import services as accounts
from apps.accounts.models import SignIn
from apps.audit.services import SYSTEM
from apps.core import clock
from tests.factories import EnrolledTablet, person, tablet
from tests.functional.live.conftest import taking_part
from tests.probe import rooms
from tests.probe.client import PATIENCE, joined
from tests.processes import Server


def test_a_lost_tablet_is_told_to_drop_all_and_may_stay(shared: Server) -> None:
    user = person()
    held: EnrolledTablet = tablet(user)
    rooms.sign("for everyone")
    with taking_part(shared, held, user) as client:
        id = rooms.note("come", to=user)
        client.until(lambda: client.has(id))
        accounts.mark_lost(tablet=held.tablet, by=SYSTEM, now=clock.now())
        client.until(lambda: not client.has(id))
        client.until(lambda: client.resyncs)  # what everyone may see is withdrawn by a pull
        later = rooms.note("secret", to=user)
        beats = len(client.heartbeats)
        client.until(lambda: len(client.heartbeats) >= beats + 3)
        assert not client.has(later)
    with joined(shared.ws_url, held, checkpoints=client.checkpoints) as again:
        again.until(lambda: again.heartbeats)
        assert not again.documents
    address = f"{shared.url}/api/v1/sync/signs/pull"
    answer = httpx2.get(address, headers=held.headers, timeout=PATIENCE, trust_env=False)
    pulled = answer.json()
    assert [d["_deleted"] for d in pulled["documents"]] == [True]
    with joined(shared.ws_url, held, checkpoints={"signs": pulled["checkpoint"]["c"]}) as again:
        again.until(lambda: again.heartbeats)


def test_a_compromised_tablet_is_cut_off(shared: Server) -> None:
    held = tablet(person())
    with joined(shared.ws_url, held) as client:
        client.until(lambda: client.heartbeats)
        accounts.mark_compromised(tablet=held.tablet, by=SYSTEM, now=clock.now())
        assert client.closed()[0] == 4401


def test_a_sign_in_that_runs_out_under_an_open_socket(serve: Callable[..., Server]) -> None:
    """No tick runs here."""
    server = serve(HEARTBEAT_SECONDS="0.5", SOCKET_RECHECK_SECONDS="1", SIGN_IN_HOURS="16")
    user = person()
    held = tablet()
    accounts.sign_in(tablet=held.tablet, user=user, now=clock.now())
    id = rooms.note("come", to=user)
    with joined(server.ws_url, held) as client:
        client.until(lambda: client.has(id))
        SignIn.objects.update(started_at="2026-01-01T00:00:00Z")
        client.until(lambda: not client.documents)
