"""Stock is the sum of its movements, told to every tablet, and written by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import Error, transaction

from apps.audit.models import Entry
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.firstaid import codes, services
from apps.firstaid.models import Kit, Lot, StockMovement
from tests.factories import NOON, team
from tests.integration.assignments.conftest import World, shown
from tests.integration.firstaid.conftest import LAST_DAY, Stock, Tablets, reference

pytestmark = pytest.mark.django_db
NEAR_ITS_END = datetime.combine(LAST_DAY - timedelta(days=30), time(12), UTC)


def empty(stock: Stock) -> None:
    """Our unit has no kit any more: what was in it is back in the store."""
    services.bring_back(
        from_kit=stock.kit, to_kit=stock.store, lot=stock.lot, quantity=2, by=stock.by, now=NOON
    )
    stock.kit.unit = None
    services.save_kit(kit=stock.kit, by=stock.by, now=NOON)


class TestMoving:
    def test_takes_from_one_kit_what_it_puts_into_another(self, stock: Stock) -> None:
        assert stock.there(stock.store) == {stock.lot.pk: 8}
        assert stock.there() == {stock.lot.pk: 2}

    def test_is_told_to_every_tablet(self, stock: Stock) -> None:
        told = reference("kit")[str(stock.kit.pk)]
        assert told["stock"] == [
            {"product_id": str(stock.spray.pk), "lot_id": str(stock.lot.pk), "quantity": 2}
        ]
        assert reference("product")[str(stock.spray.pk)]["lots"][0]["number"] == "A1"

    def test_is_shown_to_the_crew_and_the_supervisors(self, world: World, stock: Stock) -> None:
        issued = StockMovement.objects.get(kind="issue")
        assert shown(world.ours.tablets[0], "facts")[issued.pk]["movement"] == "issue"
        assert StockMovement.objects.visible_to(world.supervisor).count() == 2
        assert not StockMovement.objects.visible_to(world.dispatcher).exists()
        assert issued.pk not in shown(world.theirs.tablets[0], "facts")

    def test_is_written_down_with_who_did_it(self, world: World, stock: Stock) -> None:
        entry = Entry.objects.filter(action="move").latest("at")
        assert entry.actor_id == world.supervisor.pk
        assert StockMovement.objects.get(kind="issue").author == world.supervisor

    def test_a_desk_cannot_take_what_is_not_there(self, stock: Stock) -> None:
        with pytest.raises(ProblemError) as found:
            services.issue(
                from_kit=stock.store,
                to_kit=stock.kit,
                lot=stock.lot,
                quantity=9,
                by=stock.by,
                now=NOON,
            )
        assert found.value.errors[0].pointer == "/quantity"
        assert stock.there(stock.store) == {stock.lot.pk: 8}

    def test_what_is_brought_back_or_thrown_away_is_gone_from_the_kit(self, stock: Stock) -> None:
        services.bring_back(
            from_kit=stock.kit,
            to_kit=stock.store,
            lot=stock.lot,
            quantity=1,
            by=stock.by,
            now=NOON,
        )
        services.discard(
            kit=stock.kit, lot=stock.lot, quantity=1, cause="damaged", by=stock.by, now=NOON
        )
        assert (stock.there(), stock.there(stock.store)) == ({}, {stock.lot.pk: 9})

    @pytest.mark.parametrize("quantity", [0, -1, 100_001])
    def test_a_number_that_is_none_moves_nothing(self, stock: Stock, quantity: int) -> None:
        with pytest.raises(ProblemError):
            services.receive(
                kit=stock.store, lot=stock.lot, quantity=quantity, by=stock.by, now=NOON
            )


class TestCounting:
    @pytest.mark.parametrize("counted", [0, 1, 5])
    def test_sets_it_right_by_a_movement(self, stock: Stock, counted: int) -> None:
        row = services.count(
            kit=stock.kit,
            product=stock.spray,
            lot=stock.lot,
            counted=counted,
            cause="count",
            by=stock.by,
            now=NOON,
        )
        assert row is not None
        assert row.quantity == abs(counted - 2)
        assert stock.there() == ({stock.lot.pk: counted} if counted else {})

    def test_nothing_moves_where_it_is_right(self, stock: Stock) -> None:
        again = services.count(
            kit=stock.kit,
            product=stock.spray,
            lot=stock.lot,
            counted=2,
            cause="count",
            by=stock.by,
            now=NOON,
        )
        assert again is None

    def test_takes_a_reason(self, stock: Stock) -> None:
        with pytest.raises(ProblemError):
            services.count(
                kit=stock.kit, product=stock.spray, counted=0, cause="why", by=stock.by, now=NOON
            )


class TestRecall:
    def test_names_the_kits_that_have_it(self, stock: Stock) -> None:
        found = services.recall_of(stock.lot)
        assert [(kit.label, n) for kit, n in found.in_kits] == [("Bag 21", 2), ("Store", 8)]

    def test_is_warned_of_on_every_tablet(self, world: World, stock: Stock) -> None:
        services.recall_lot(lot=stock.lot, number="Z-1", by=stock.by, now=NOON)
        world.commit()
        assert reference("product")[str(stock.spray.pk)]["lots"][0]["recalled"] is True
        kinds = [one["kind"] for one in reference("kit")[str(stock.kit.pk)]["warnings"]]
        assert kinds == ["recalled"]

    def test_stands_as_it_was_first_said(self, stock: Stock) -> None:
        services.recall_lot(lot=stock.lot, number="Z-1", by=stock.by, now=NOON)
        later = NOON + timedelta(hours=1)
        again = services.recall_lot(lot=stock.lot, number="Z-2", by=stock.by, now=later)
        assert (again.recall_number, again.recalled_at) == ("Z-1", NOON)

    def test_nothing_of_it_is_handed_out_any_more(self, stock: Stock) -> None:
        lot = services.recall_lot(lot=stock.lot, number="Z-1", by=stock.by, now=NOON)
        with pytest.raises(ProblemError):
            services.receive(kit=stock.store, lot=lot, quantity=1, by=stock.by, now=NOON)
        with pytest.raises(ProblemError):
            services.issue(
                from_kit=stock.store, to_kit=stock.kit, lot=lot, quantity=1, by=stock.by, now=NOON
            )


class TestARecallsDoses:
    """Those too of which nobody knows from which kit they came."""

    def test_that_name_the_lot_where_the_unit_has_no_kit(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        empty(stock)
        given = tablets.dose(world.given(), lot_id=stock.lot.pk)
        found = services.recall_of(stock.lot)
        assert [one.dose_id for one in found.doses] == [given]
        assert [one.unit for one in found.doses] == [world.ours.unit]
        assert found.maybe == ()

    def test_that_name_the_lot_where_the_unit_has_two(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        second = Kit(label="Bag 21b", team=world.team, unit=world.ours.unit)
        services.save_kit(kit=second, by=stock.by, now=NOON)
        sure, perhaps = (
            tablets.dose(world.given(), lot_id=stock.lot.pk),
            tablets.dose(world.given()),
        )
        found = services.recall_of(stock.lot)
        assert [one.dose_id for one in found.doses] == [sure]
        assert [one.dose_id for one in found.maybe] == [perhaps]

    def test_as_they_stand(self, world: World, stock: Stock, tablets: Tablets) -> None:
        empty(stock)
        row = world.given()
        taken_back, corrected = (tablets.dose(row, lot_id=stock.lot.pk) for _ in range(2))
        tablets.dose(row, corrects=taken_back, lot_id=stock.lot.pk, withdrawn=True)
        tablets.dose(row, lot_id=stock.lot.pk, withheld=codes.REFUSED)
        nobody_knows = tablets.dose(row, corrects=corrected, lot_id=uuid7())
        found = services.recall_of(stock.lot)
        assert found.doses == ()
        assert [one.dose_id for one in found.maybe] == [nobody_knows]

    def test_each_once(self, world: World, stock: Stock, tablets: Tablets) -> None:
        given = tablets.dose(world.given(), lot_id=stock.lot.pk)
        found = services.recall_of(stock.lot)
        assert [one.dose_id for one in found.doses] == [given]

    def test_that_may_have_been_of_it(self, world: World, stock: Stock, tablets: Tablets) -> None:
        empty(stock)
        row = world.given()
        perhaps = tablets.dose(row)
        outside = tablets.dose(None)
        tablets.dose(row, route="9927015")
        tablets.dose(row, drug="7806")
        tablets.dose(row, given_by="bystander", before_arrival=True)
        other = Lot(product=stock.spray, number="B2", expires_on=LAST_DAY)
        services.save_lot(lot=other, by=stock.by, now=NOON)
        named = tablets.dose(row, lot_id=other.pk)
        found = services.recall_of(stock.lot)
        assert [one.dose_id for one in found.maybe] == [perhaps, outside]
        assert [one.dose_id for one in services.recall_of(other).doses] == [named]


class TestWarnings:
    def test_come_with_the_day(self, world: World, stock: Stock) -> None:
        assert reference("kit")[str(stock.kit.pk)]["warnings"] == []
        assert services.tell_kits(now=NOON) == 0
        services.tell_kits(now=NEAR_ITS_END)
        world.commit()
        kinds = [one["kind"] for one in reference("kit")[str(stock.kit.pk)]["warnings"]]
        assert kinds == ["expiring"]

    def test_that_were_told_are_not_told_again(self, world: World, stock: Stock) -> None:
        later = NEAR_ITS_END
        assert services.tell_kits(now=later) == 2
        world.commit()
        assert services.tell_kits(now=later) == 0


class TestKits:
    def test_one_that_is_not_empty_stays_in_use(self, stock: Stock) -> None:
        stock.kit.in_use = False
        with pytest.raises(ProblemError):
            services.save_kit(kit=stock.kit, by=stock.by, now=NOON)

    def test_a_unit_of_another_team_is_not_ours_to_equip(self, world: World, stock: Stock) -> None:
        with pytest.raises(ProblemError):
            services.save_kit(
                kit=Kit(label="x", team=team(), unit=world.ours.unit), by=stock.by, now=NOON
            )

    def test_a_new_lot_is_told(self, world: World, stock: Stock) -> None:
        lot = Lot(product=stock.spray, number="B2", expires_on=date(2100, 1, 31))
        services.save_lot(lot=lot, by=stock.by, now=NOON)
        world.commit()
        numbers = [one["number"] for one in reference("product")[str(stock.spray.pk)]["lots"]]
        assert numbers == ["A1", "B2"]


class TestAppendOnly:
    @pytest.mark.parametrize("verb", ["update", "delete"])
    def test_no_movement_is_changed(self, stock: Stock, verb: str) -> None:
        rows = StockMovement.objects.filter(kind="issue")
        with pytest.raises(Error), transaction.atomic():
            rows.update(quantity=9) if verb == "update" else rows.delete()
        assert stock.there() == {stock.lot.pk: 2}

    def test_the_application_may_only_add(
        self, stock: Stock, application_role: Callable[[], AbstractContextManager[None]]
    ) -> None:
        with pytest.raises(Error), application_role():
            StockMovement.objects.filter(kind="issue").update(quantity=9)
