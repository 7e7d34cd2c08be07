"""First aid in the admin: read and written down; stock moved step by step; who was trained."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.audit.models import Entry
from apps.firstaid import codes
from apps.firstaid.models import Certification, Lot, NaloxoneDose, OverdoseProtocol, StockMovement
from tests.factories import NOON, person
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.conftest import Stock, Tablets

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(world: World) -> Client:
    client = Client()
    client.force_login(world.supervisor)
    return client


def page(desk: Client, address: str, **given: Any) -> str:
    """A page of first aid; with `given` posted."""
    path = f"/admin/firstaid/{address}"
    answer = desk.post(path, {"apply": "1", **given}, follow=True) if given else desk.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


class TestDoses:
    def test_are_read_and_it_is_written_down(
        self, world: World, tablets: Tablets, desk: Client
    ) -> None:
        pk = tablets.dose(world.given(), breathing_before=codes.GASPING)

        assert "Naloxone, 4 mg, In the nose" in page(desk, "naloxonedose/")
        assert "Gasping or weak" in page(desk, f"naloxonedose/{pk}/change/")
        looks = Entry.objects.filter(action="read", subject_type="naloxone_dose")
        assert [entry.subject_ids for entry in looks] == [[pk], [pk]]

    def test_are_read_with_what_the_crew_answered(
        self, world: World, tablets: Tablets, desk: Client
    ) -> None:
        row = world.given()
        pk = tablets.dose(row)
        told = {"kind": "overdose_answer", "question": "handover", "answer": "refused"}
        tablets.log("facts", row, **told, witness="Engine 2, Kim")
        tablets.log("facts", world.given(), **told, witness="Nobody of this call")

        text = page(desk, f"naloxonedose/{pk}/change/")
        assert "Refused, with a witness" in text
        assert "Engine 2, Kim" in text
        assert "Nobody of this call" not in text

    def test_are_changed_by_nobody(self, world: World, tablets: Tablets, desk: Client) -> None:
        pk = tablets.dose(world.given())

        assert desk.get("/admin/firstaid/naloxonedose/add/").status_code == 403
        answer = desk.post(f"/admin/firstaid/naloxonedose/{pk}/change/", {"lot_id": ""})
        assert answer.status_code == 403
        assert desk.post(f"/admin/firstaid/naloxonedose/{pk}/delete/").status_code == 403
        assert NaloxoneDose.objects.count() == 1

    def test_are_not_for_dispatchers_nor_other_teams(
        self, world: World, tablets: Tablets, desk: Client
    ) -> None:
        pk = tablets.dose(world.given())
        desk.force_login(world.dispatcher)
        assert desk.get("/admin/firstaid/naloxonedose/").status_code == 403
        desk.force_login(person(Role.SUPERVISOR))
        assert str(pk) not in page(desk, "naloxonedose/")

    def test_first_aid_is_read_too(self, world: World, tablets: Tablets, desk: Client) -> None:
        pk = tablets.aid(world.given(), injuries=["bleeding"], vitals={"pulse": 96})

        assert "Bleeding" in page(desk, "firstaidlog/")
        assert "Pulse 96 per minute" in page(desk, f"firstaidlog/{pk}/change/")


class TestStock:
    def test_shows_what_lies_in_each_kit_in_few_statements(
        self, stock: Stock, desk: Client, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(20):
            told = page(desk, "kit/")
        assert "Bag 21" in told
        assert "Naloxone nasal spray 4 mg/0.1 mL" in told

    def test_is_received_and_issued_by_forms(self, stock: Stock, desk: Client) -> None:
        lot = str(stock.lot.pk)
        page(desk, f"kit/{stock.store.pk}/do/receive/", lot=lot, quantity="5")
        page(
            desk,
            f"kit/{stock.store.pk}/do/issue/",
            lot=lot,
            quantity="3",
            to_kit=str(stock.kit.pk),
        )

        assert (stock.there(stock.store), stock.there()) == (
            {stock.lot.pk: 10},
            {stock.lot.pk: 5},
        )

    def test_is_counted_with_a_reason(self, world: World, stock: Stock, desk: Client) -> None:
        given = {"product": str(stock.spray.pk), "lot": str(stock.lot.pk), "cause": "lost"}
        page(desk, f"kit/{stock.kit.pk}/do/count/", quantity="1", note="", **given)
        world.commit()

        assert stock.there() == {stock.lot.pk: 1}
        assert "Lost or stolen" in page(desk, "stockmovement/")

    def test_says_what_cannot_be_beside_its_field(self, stock: Stock, desk: Client) -> None:
        told = page(
            desk,
            f"kit/{stock.kit.pk}/do/return/",
            lot=str(stock.lot.pk),
            quantity="9",
            to_kit=str(stock.store.pk),
        )
        assert "There are 2 of this lot." in told
        assert stock.there() == {stock.lot.pk: 2}

    def test_of_another_team_is_not_ours_to_move(self, stock: Stock, desk: Client) -> None:
        desk.force_login(person(Role.SUPERVISOR))
        assert desk.get(f"/admin/firstaid/kit/{stock.kit.pk}/do/count/").status_code == 404

    def test_a_kit_that_is_not_empty_stays(self, stock: Stock, desk: Client) -> None:
        told = page(desk, f"kit/{stock.kit.pk}/change/", label="Bag 21", unit="")
        assert "It is not empty" in told

    def test_a_lot_is_recalled_where_it_is_shown(
        self, world: World, stock: Stock, tablets: Tablets, desk: Client
    ) -> None:
        tablets.dose(world.given(), lot_id=stock.lot.pk)
        tablets.dose(world.given())
        address = f"lot/{stock.lot.pk}/do/recall/"
        page(desk, address, number="Z-1", reason="The maker wrote to us.")
        told = page(desk, f"lot/{stock.lot.pk}/recall/")

        stock.lot.refresh_from_db()
        assert stock.lot.recall_number == "Z-1"
        assert told.count("CARE21") >= 2
        assert "may have been of it" in told
        assert "Recalled: take it out" in page(desk, "kit/")

    def test_lots_that_end_soon_are_found(self, stock: Stock, desk: Client) -> None:
        assert "A1" in page(desk, "lot/")
        assert "A1" not in page(desk, "lot/?ends=soon").split('id="changelist-filter"')[0]
        Lot.objects.update(expires_on=date(2026, 1, 1))
        assert "A1" in page(desk, "lot/?ends=soon").split('id="changelist-filter"')[0]

    def test_movements_are_read_only(self, stock: Stock, desk: Client) -> None:
        pk = StockMovement.objects.get(kind="issue").pk
        assert "Bag 21" in page(desk, f"stockmovement/{pk}/change/")
        assert desk.post(f"/admin/firstaid/stockmovement/{pk}/change/", {}).status_code == 403


class TestTraining:
    def certificate(self, world: World, *, expires_on: date) -> Certification:
        return Certification.objects.create(
            user=world.ours.people[0],
            kind="naloxone",
            issued_on=expires_on - timedelta(days=700),
            expires_on=expires_on,
            recorded_by=world.supervisor,
            recorded_at=NOON,
        )

    def test_is_written_down_and_withdrawn(self, world: World, desk: Client) -> None:
        page(
            desk,
            "certification/add/",
            user=str(world.ours.people[0].pk),
            kind="first_aid",
            number="",
            issued_on="2026-01-05",
            expires_on="2028-01-05",
        )
        row = Certification.objects.get()
        assert row.recorded_by == world.supervisor
        page(desk, "certification/", action="withdraw", _selected_action=str(row.pk))
        row.refresh_from_db()
        assert row.withdrawn_by == world.supervisor

    def test_that_has_run_out_stops_nobody(
        self, world: World, stock: Stock, tablets: Tablets, desk: Client
    ) -> None:
        self.certificate(world, expires_on=NOON.date() - timedelta(days=1))
        pk = tablets.dose(world.given())

        assert NaloxoneDose.objects.get(pk=pk).flags == []
        assert "responder" in page(desk, "certification/?standing=expired")

    def test_is_not_for_anybody_else(self, world: World, desk: Client) -> None:
        row = self.certificate(world, expires_on=NOON.date())
        for other in (world.dispatcher, world.ours.people[1]):
            desk.force_login(other)
            assert desk.get("/admin/firstaid/certification/").status_code in (302, 403)
        desk.force_login(person(Role.SUPERVISOR))
        assert str(row.pk) not in page(desk, "certification/")

    def test_somebody_of_another_team_is_not_offered(self, world: World, desk: Client) -> None:
        stranger = person()
        told = page(
            desk,
            "certification/add/",
            user=str(stranger.pk),
            kind="first_aid",
            issued_on="2026-01-05",
        )
        assert "Select a valid choice" in told
        assert not Certification.objects.exists()


class TestTheProtocol:
    def test_is_the_administrators_to_enter(self, desk: Client) -> None:
        given = {
            "version": "2026-1",
            "citation": "Medical director",
            "effective_from": "2026-01-01",
            "effective_to": "",
            "recheck_seconds": "120",
        }
        assert desk.post("/admin/firstaid/overdoseprotocol/add/", given).status_code == 403
        desk.force_login(person(Role.ADMINISTRATOR))
        page(desk, "overdoseprotocol/add/", **given)
        row = OverdoseProtocol.objects.get()
        told = page(
            desk,
            f"overdoseprotocol/{row.pk}/change/",
            **{**given, "recheck_seconds": "180"},
        )
        assert "It has begun" in told
