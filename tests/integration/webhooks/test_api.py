"""A partner's own endpoints, log and events, by its token and on its pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client as Browser

from apps.accounts.models import Partner, Role
from apps.accounts.throttles import PageThrottle
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import services
from apps.webhooks.fakepartner import FakePartner
from apps.webhooks.models import Allowance, Delivery, Endpoint, EndpointState, SigningKey
from tests.factories import partner, person
from tests.integration.webhooks.conftest import deliver, happen

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Endpoint]
API = "/api/v1/partner"


class Caller:
    """A partner's system."""

    def __init__(self) -> None:
        self.token, self.partner = partner()
        self.http = Browser()

    def __call__(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        answer = self.http.generic(
            method,
            f"{API}/{path}",
            b"" if body is None else orjson.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        assert answer.status_code == expect, answer.content
        return answer.json() if answer.content else None


@pytest.fixture
def caller(transactional_db: None) -> Caller:
    return Caller()


def test_an_endpoint_is_made_proven_tried_and_read_by_the_api_alone(
    things: None, caller: Caller, receiver: FakePartner
) -> None:
    asked = {"name": "intake", "url": f"{receiver.url}/well", "event_types": ["thing.changed"]}
    made = caller("POST", "endpoints", asked, expect=201)
    receiver.secret = made["keys"]["secret"]
    one = made["endpoint"]["id"]
    assert made["endpoint"]["state"] == "unverified"
    deliver()
    caller("POST", f"endpoints/{one}/test", expect=204)
    happen(uuid7())
    deliver()
    assert [received.verified for received in receiver.received] == [True] * 3
    assert caller("GET", f"endpoints/{one}")["state"] == "active"
    assert "secret" not in str(caller("GET", "endpoints"))
    log = caller("GET", f"endpoints/{one}/deliveries?limit=2")
    assert [row["type"] for row in log["deliveries"]] == ["thing.changed", "webhook.test"]
    older = caller("GET", f"endpoints/{one}/deliveries?before={log['before']}")
    assert [row["type"] for row in older["deliveries"]] == ["endpoint.verification"]
    whole = caller("GET", f"deliveries/{log['deliveries'][0]['id']}")
    assert [(t["outcome"], t["status"]) for t in whole["tried"]] == [("accepted", 200)]
    acts = set(Entry.objects.about(one).values_list("actor_kind", "action"))
    assert {("partner", "create"), ("partner", "send-test"), ("system", "verify")} <= acts


def test_events_have_no_gap_whatever_became_of_them(
    endpoint_at: Make, caller: Caller, receiver: FakePartner
) -> None:
    endpoint = endpoint_at("refusing", of=caller.partner, proven=False)
    services.change_endpoint(
        endpoint=endpoint, url=f"{receiver.url}/well", by=SYSTEM, now=clock.now()
    )
    deliver()
    happen(*(uuid7() for _ in range(7)))
    services.tell(now=clock.now())
    seen: list[int] = []
    after, more = 0, True
    while more:
        page = caller("GET", f"events?after={after}&limit=3")
        seen += [event["sequence"] for event in page["events"]]
        after, more = seen[-1], page["more"]
    assert seen == list(range(1, page["head"] + 1))
    assert caller("GET", f"events?after={page['head']}")["events"] == []
    assert [e["data"] for e in caller("GET", "events")["events"][:2]] == [None, None]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"url": "https://me:word@partner.example/"}, "/url"),
        ({"url": "ftp://partner.example/"}, "/url"),
        ({"event_types": ["thing.changed", "nothing.such"]}, "/event_types/1"),
        ({"event_types": ["webhook.test"]}, "/event_types/0"),
        ({"event_types": ["overdose.reported"]}, "/event_types/0"),
        ({"event_types": []}, "/event_types"),
        ({"rate": 0}, "/rate"),
        ({"contact": "nobody"}, "/contact"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    things: None, caller: Caller, changed: dict[str, Any], pointer: str
) -> None:
    asked = {"name": "intake", "url": "https://p.example/", "event_types": ["thing.changed"]}
    problem = caller("POST", "endpoints", {**asked, **changed}, expect=400)
    assert pointer in {error["pointer"] for error in problem["errors"]}


def test_a_restricted_type_is_asked_for_once_it_is_allowed(things: None, caller: Caller) -> None:
    asked = {"name": "odmap", "url": "https://p.example/", "event_types": ["overdose.reported"]}
    allowed = services.allow_type(
        partner=caller.partner, type="overdose.reported", by=SYSTEM, now=clock.now()
    )
    caller("POST", "endpoints", asked, expect=201)
    services.withdraw_type(allowance=allowed, by=SYSTEM, now=clock.now())
    caller("POST", "endpoints", asked, expect=400)


def test_another_partners_are_not_there(endpoint_at: Make, caller: Caller) -> None:
    theirs = endpoint_at()
    sent = Delivery.objects.filter(endpoint=theirs)[0]
    for method, path in [
        ("GET", f"endpoints/{theirs.pk}"),
        ("PATCH", f"endpoints/{theirs.pk}"),
        ("DELETE", f"endpoints/{theirs.pk}"),
        *(
            ("POST", f"endpoints/{theirs.pk}/{act}")
            for act in ("verify", "test", "pause", "resume", "rotate", "replay")
        ),
        ("GET", f"endpoints/{theirs.pk}/deliveries"),
        ("GET", f"events?endpoint={theirs.pk}"),
        ("GET", f"deliveries/{sent.pk}"),
        ("POST", f"deliveries/{sent.pk}/replay"),
    ]:
        caller(method, path, {"after": 0} if method != "GET" else None, expect=404)


def test_an_endpoint_that_is_opened_again_counts_like_a_new_one(
    things: None, caller: Caller
) -> None:
    asked = {"name": "n", "url": "https://p.example/", "event_types": ["thing.changed"]}
    first = caller("POST", "endpoints", asked, expect=201)["endpoint"]["id"]
    caller("DELETE", f"endpoints/{first}", expect=204)
    for _ in range(10):
        caller("POST", "endpoints", asked, expect=201)
    caller("POST", "endpoints", asked, expect=409)
    caller("POST", f"endpoints/{first}/verify", expect=409)
    caller("PATCH", f"endpoints/{first}", {"url": "https://q.example/"}, expect=409)
    assert caller("GET", f"endpoints/{first}")["state"] == "disabled"


def test_of_challenges_that_wait_the_last_alone_is_sent(
    endpoint_at: Make, caller: Caller, receiver: FakePartner
) -> None:
    """An address that nobody has proven would be called for days, once for each that was asked."""
    endpoint = endpoint_at("down", of=caller.partner, proven=False)
    deliver()
    for _ in range(3):
        caller("POST", f"endpoints/{endpoint.pk}/verify", expect=204)
        services.tell(now=clock.now())
    [waits] = Delivery.objects.pending().filter(endpoint=endpoint)
    endpoint.refresh_from_db()
    assert waits.data == {"challenge": endpoint.challenge}


def test_few_tests_wait_for_one_endpoint(
    endpoint_at: Make, caller: Caller, receiver: FakePartner
) -> None:
    endpoint = endpoint_at(of=caller.partner)
    for _ in range(10):
        caller("POST", f"endpoints/{endpoint.pk}/test", expect=204)
    services.tell(now=clock.now())
    caller("POST", f"endpoints/{endpoint.pk}/test", expect=409)
    deliver()
    caller("POST", f"endpoints/{endpoint.pk}/test", expect=204)


def test_of_old_keys_a_few_sign(endpoint_at: Make, caller: Caller) -> None:
    """Each key signs every attempt, in the one thread that all partners share."""
    endpoint = endpoint_at(of=caller.partner)
    for _ in range(6):
        caller("POST", f"endpoints/{endpoint.pk}/rotate", {"overlap_hours": 720})
    assert SigningKey.objects.signing([endpoint.pk], clock.now()).count() == 3


def test_no_number_is_larger_than_it_may_be(endpoint_at: Make, caller: Caller) -> None:
    endpoint = endpoint_at(of=caller.partner)
    for limit in ("0" * 18 + "10", "0" * 19 + "1001", "9" * 5000, "0", "1001"):
        caller("GET", f"events?limit={limit}", expect=400)
    for path, body in (
        ("rotate", {"overlap_hours": "nan"}),
        ("replay", {"after": str(2**64)}),
        ("replay", {"after": -1}),
    ):
        caller("POST", f"endpoints/{endpoint.pk}/{path}", body, expect=400)


def test_keys_are_rotated_and_both_verify_until_the_old_ones_retire(
    endpoint_at: Make, caller: Caller, receiver: FakePartner
) -> None:
    endpoint = endpoint_at(of=caller.partner)
    old = receiver.secret
    new = caller("POST", f"endpoints/{endpoint.pk}/rotate", {})["secret"]
    for secret in (old, new):
        receiver.secret = secret
        happen(uuid7())
        deliver()
    assert [one.verified for one in receiver.received] == [True, True]
    caller("POST", f"endpoints/{endpoint.pk}/rotate", {"overlap_hours": 0})
    happen(uuid7())
    deliver()
    assert receiver.received[-1].verified is False, "a key that has leaked ends at once"
    assert SigningKey.objects.signing([endpoint.pk], clock.now()).count() == 1
    shown = Browser().get(f"/.well-known/webhook-keys/{endpoint.pk}").json()["keys"]
    assert [key["key"] for key in shown] == [
        key.public for key in SigningKey.objects.signing([endpoint.pk], clock.now())
    ]


def test_pause_resume_replay_and_end(
    endpoint_at: Make, caller: Caller, receiver: FakePartner
) -> None:
    endpoint = endpoint_at(of=caller.partner)
    one = f"endpoints/{endpoint.pk}"
    caller("POST", f"{one}/pause", {"reason": "maintenance"}, expect=204)
    assert caller("GET", one)["pause_reason"] == "maintenance"
    caller("POST", f"{one}/test", expect=409)
    happen(uuid7())
    assert deliver() == 0
    caller("POST", f"{one}/resume", expect=204)
    assert deliver() == 1
    sent = receiver.received[-1]
    caller("POST", f"deliveries/{sent.id}/replay", expect=204)
    deliver()
    answer = caller("POST", f"{one}/replay", {"after": sent.event["sequence"] - 1})
    assert answer == {"count": 1, "last": sent.event["sequence"]}
    deliver()
    assert [received.id for received in receiver.received] == [sent.id] * 3
    caller("DELETE", one, expect=204)
    assert caller("GET", one)["state"] == "disabled"
    caller("POST", f"{one}/replay", {"after": 0}, expect=409)


def test_the_catalogue_is_open_to_anybody() -> None:
    shown = Browser().get(f"{API}/event-types").json()
    assert {"assignment.status_changed", "overdose.reported"} <= {one["type"] for one in shown}
    page = Browser().get("/partner/event-types").content.decode()
    assert "overdose.reported" in page


class TestThePages:
    @staticmethod
    def browser(of: Partner) -> Browser:
        found = Browser()
        found.force_login(
            person(Role.PARTNER, at=of), backend="django.contrib.auth.backends.ModelBackend"
        )
        return found

    def test_show_and_do_what_the_api_does(
        self, things: None, caller: Caller, receiver: FakePartner
    ) -> None:
        browser = self.browser(caller.partner)
        told = {
            "name": "intake",
            "url": f"{receiver.url}/well",
            "event_types": ["thing.changed"],
            "rate": 50,
        }
        page = browser.post("/partner/", told).content.decode()
        secret = re.search(r'id="secret">(whsec_[^<]+)<', page)
        assert secret
        receiver.secret = secret[1]
        deliver()
        endpoint = Endpoint.objects.get()
        here = f"/partner/endpoints/{endpoint.pk}"
        assert secret[1] not in browser.get(here).content.decode()
        happen(uuid7())
        deliver()
        assert receiver.received[-1].verified
        log = browser.get(here).content.decode()
        assert "thing.changed" in log
        sent = Delivery.objects.get(type="thing.changed")
        assert "accepted" in browser.get(f"/partner/deliveries/{sent.pk}").content.decode()
        browser.post(f"/partner/deliveries/{sent.pk}")
        deliver()
        assert receiver.received[-1].id == receiver.received[-2].id
        browser.post(f"{here}/do/pause")
        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.PAUSED
        assert "whsec_" in browser.post(f"{here}/rotate", {"leaked": "on"}).content.decode()
        wrong = browser.post(here, {**told, "url": "gopher://x"}).content.decode()
        assert "https://" in wrong

    def test_have_a_pace_for_each_partner(
        self, things: None, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PageThrottle, "rate", "2/min")
        ours, theirs = self.browser(caller.partner), self.browser(partner()[1])
        answers = [ours.get("/partner/") for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert int(answers[-1]["Retry-After"]) <= 60
        assert theirs.get("/partner/").status_code == 200

    def test_show_nothing_of_others(self, endpoint_at: Make, caller: Caller) -> None:
        theirs = endpoint_at()
        sent = Delivery.objects.filter(endpoint=theirs)[0]
        browser = self.browser(caller.partner)
        for path in (f"endpoints/{theirs.pk}", f"deliveries/{sent.pk}"):
            assert browser.get(f"/partner/{path}").status_code == 404
            assert browser.post(f"/partner/{path}").status_code == 404
        assert browser.post(f"/partner/endpoints/{theirs.pk}/do/pause").status_code == 404
        assert browser.post(f"/partner/endpoints/{theirs.pk}/rotate").status_code == 404
        for path in ("", f"endpoints/{theirs.pk}", f"deliveries/{sent.pk}"):
            away = Browser().get(f"/partner/{path}")
            assert away["Location"].startswith("/partner/sign-in")


class TestTheAdmin:
    @staticmethod
    def desk(role: str) -> Browser:
        found = Browser()
        found.force_login(person(role), backend="django.contrib.auth.backends.ModelBackend")
        return found

    @staticmethod
    def do(desk: Browser, endpoint: Endpoint, act: str, **given: str) -> None:
        address = f"/admin/webhooks/endpoint/{endpoint.pk}/do/{act}/"
        assert desk.post(address, {**given, "apply": "1"}).status_code == 302

    def test_lets_a_supervisor_act_with_a_reason(
        self, endpoint_at: Make, receiver: FakePartner
    ) -> None:
        endpoint = endpoint_at("well?key=verysecret")
        desk = self.desk(Role.SUPERVISOR)
        pages = "/admin/webhooks/endpoint/"
        shown = desk.get(pages).content.decode()
        assert "127.0.0.1" in shown
        shown += desk.get(f"{pages}{endpoint.pk}/change/").content.decode()
        assert "verysecret" not in shown
        self.do(desk, endpoint, "pause", why="maintenance", reason="down")
        endpoint.refresh_from_db()
        assert (endpoint.state, endpoint.paused_by) == (EndpointState.PAUSED, "staff")
        entry = Entry.objects.about(endpoint.pk).get(action="pause")
        assert entry.detail == {"by": "staff", "why": "maintenance"}
        happen(uuid7())
        self.do(desk, endpoint, "resume", why="asked")
        self.do(desk, endpoint, "test", why="trial")
        assert deliver() == 2
        self.do(desk, endpoint, "replay", why="asked", sequence="1")
        assert deliver() == 2
        sent = Delivery.objects.get(type="thing.changed")
        listed = {"action": "send_again", "_selected_action": [str(sent.pk)]}
        listed |= {"why": "asked", "apply": "1"}
        assert f"{sent}: done."[1:] in (
            desk.post("/admin/webhooks/delivery/", listed, follow=True).content.decode()
        )
        assert deliver() == 1
        found = desk.get("/admin/webhooks/delivery/", {"type": "webhook.test"})
        assert {row.type for row in found.context["cl"].result_list} == {"webhook.test"}
        page = desk.get(f"/admin/webhooks/delivery/{sent.pk}/change/").content.decode()
        assert "accepted" in page
        assert "thing_id" not in page, "no body is shown"

    def test_lets_nobody_else(self, endpoint_at: Make) -> None:
        endpoint = endpoint_at()
        path = f"/admin/webhooks/endpoint/{endpoint.pk}/do/pause/"
        for role in (Role.ADMINISTRATOR, Role.DISPATCHER):
            assert self.desk(role).post(path, {"why": "asked"}).status_code == 403
        endpoint.refresh_from_db()
        assert endpoint.state == EndpointState.ACTIVE

    def test_allows_a_restricted_type_and_takes_it_back(self, caller: Caller) -> None:
        desk = self.desk(Role.ADMINISTRATOR)
        pages = "/admin/webhooks/allowance/"
        told = {"partner": str(caller.partner.pk), "type": "overdose.reported"}
        assert desk.post(f"{pages}add/", told).status_code == 302
        row = Allowance.objects.standing().get()
        desk.post(pages, {"action": "withdraw", "_selected_action": [str(row.pk)]})
        assert not Allowance.objects.standing().exists()
