"""A dose: told once, on the partner's tablet, out of the unit's kit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, transaction

from apps.assignments.services import let_cleared_go, reassign
from apps.audit.models import Entry
from apps.core.ids import uuid7
from apps.firstaid import codes, services
from apps.firstaid.models import NaloxoneDose, StockMovement
from apps.people import services as people
from apps.people.ids import encounter_id
from apps.sync.models import QuarantinedWrite
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after, dropped, shown
from tests.integration.conftest import Elsewhere
from tests.integration.firstaid.conftest import (
    SPRAY,
    Stock,
    Tablets,
    documented,
    reference,
    stocked,
)

pytestmark = pytest.mark.django_db
DOSES = "naloxone_doses"


class TestADose:
    def test_is_on_the_partners_tablet_and_out_of_the_kit(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = world.given()
        pk = tablets.dose(row, breathing_before=codes.GASPING)

        told = shown(world.ours.tablets[1], DOSES)[pk]
        assert (told["dose"], told["route"]) == (4, codes.INTRANASAL)
        assert told["breathing_before"] == codes.GASPING
        assert (told["unit"], told["flags"]) == ("CARE21", [])
        assert told["encounter_id"] == str(encounter_id(row.pk))
        # Nobody said of which lot it was: that it was one of the sprays is sure.
        assert stock.there() == {stock.lot.pk: 2, None: -1}
        assert [one["quantity"] for one in reference("kit")[str(stock.kit.pk)]["stock"]] == [-1, 2]

    def test_of_a_lot_that_is_named_is_out_of_that(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        tablets.dose(world.given(), lot_id=stock.lot.pk)

        assert stock.there() == {stock.lot.pk: 1}

    def test_of_nothing_but_a_tap_is_complete(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        pk = tablets.log(DOSES, world.given())

        assert NaloxoneDose.objects.get(pk=pk).flags == []
        assert sum(stock.there().values()) == 1

    def test_is_seen_by_the_supervisors_and_never_by_the_dispatch_desk(
        self, world: World, tablets: Tablets
    ) -> None:
        pk = tablets.dose(world.given())

        rows = NaloxoneDose.objects.filter(pk=pk)
        assert rows.visible_to(world.supervisor).exists()
        assert not rows.visible_to(world.dispatcher).exists()
        assert pk not in shown(world.theirs.tablets[0], DOSES)

    def test_is_written_down_with_who_told_it(self, world: World, tablets: Tablets) -> None:
        pk = tablets.dose(world.given())

        entry = Entry.objects.get(action="record", subject_type="naloxone_dose")
        assert (entry.actor_id, entry.subject_ids) == (world.ours.people[0].pk, [pk])

    def test_that_is_told_again_moves_stock_once(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        document = documented(world.ours.tablets[0], NOON, assignment_id=world.given().pk, **SPRAY)
        assert tablets.push(DOSES, document) == []
        assert tablets.push(DOSES, document) == []

        assert NaloxoneDose.objects.count() == 1
        assert sum(stock.there().values()) == 1

    def test_that_is_handed_over_as_it_was_served_is_a_repeat(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        """A server that was put back is handed what it has: with all that it had put in."""
        pk = tablets.dose(world.given())
        served = shown(world.ours.tablets[0], DOSES)[pk]
        assert served["encounter_id"]
        assert tablets.push(DOSES, served) == []
        assert not QuarantinedWrite.objects.exists()
        assert sum(stock.there().values()) == 1

    def test_with_another_content_under_its_id_is_refused(
        self, world: World, tablets: Tablets
    ) -> None:
        document = documented(world.ours.tablets[0], NOON, assignment_id=world.given().pk, **SPRAY)
        tablets.push(DOSES, document)
        [answer] = tablets.push(DOSES, {**document, "dose": 8})

        assert answer["dose"] == 4
        assert QuarantinedWrite.objects.count() == 1

    def test_of_somebody_who_is_not_on_the_crew_is_kept_apart(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        by = world.theirs.tablets[0]
        document = documented(by, NOON, assignment_id=world.given().pk, **SPRAY)
        [answer] = tablets.push(DOSES, document, by=by)

        assert answer["sync_status"] == "quarantined"
        assert not NaloxoneDose.objects.exists()
        assert sum(stock.there().values()) == 2


class TestWhatIsOdd:
    @pytest.mark.parametrize(
        ("fields", "flag"),
        [
            ({"route": "9999999"}, "unknown_code"),
            ({"given_by": "robot"}, "unknown_code"),
            ({"complications": ["3708031", "what"]}, "unknown_code"),
            ({"dose": "four"}, "bad_field"),
            ({"dose": -1}, "bad_field"),
            ({"given_at": "yesterday"}, "bad_field"),
            ({"lot_id": "A1"}, "bad_field"),
            ({"mood": "calm"}, "bad_field"),
            ({"corrects": "that one"}, "bad_field"),
        ],
    )
    def test_is_kept_and_flagged(
        self, world: World, tablets: Tablets, fields: dict[str, Any], flag: str
    ) -> None:
        pk = tablets.dose(world.given(), **fields)

        row = NaloxoneDose.objects.get(pk=pk)
        assert flag in row.flags
        [(name, value)] = fields.items()
        kept = {**(row.unread or {}), **row.data}
        assert kept[name] == value

    def test_of_another_shape_is_not_sent_on(self, world: World, tablets: Tablets) -> None:
        pk = tablets.dose(world.given(), dose="four", mood="calm")

        told = shown(world.ours.tablets[1], DOSES)[pk]
        assert "mood" not in told
        assert "dose" not in told

    def test_a_time_comes_back_as_it_was_spelled(self, world: World, tablets: Tablets) -> None:
        spelled = "2026-03-04T11:58:00-08:00"
        pk = tablets.dose(world.given(), given_at=spelled)

        assert shown(world.ours.tablets[1], DOSES)[pk]["given_at"] == spelled
        assert NaloxoneDose.objects.get(pk=pk).given_at == NOON - timedelta(minutes=2)


class TestCorrections:
    def test_put_back_what_was_taken(self, world: World, stock: Stock, tablets: Tablets) -> None:
        row = world.given()
        first = tablets.dose(row, lot_id=stock.lot.pk)
        tablets.dose(row, corrects=first, withdrawn=True, correction_reason="mis_tap")

        assert stock.there() == {stock.lot.pk: 2}
        assert list(StockMovement.objects.order_by("order").values_list("kind", flat=True))[
            -2:
        ] == [
            "dose",
            "reversal",
        ]

    def test_take_it_from_the_right_lot_instead(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = world.given()
        first = tablets.dose(row)
        tablets.dose(row, corrects=first, lot_id=stock.lot.pk)

        assert stock.there() == {stock.lot.pk: 1}

    def test_that_say_the_same_of_the_stock_move_nothing(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = world.given()
        first = tablets.dose(row, lot_id=stock.lot.pk)
        before = StockMovement.objects.count()
        tablets.dose(row, corrects=first, lot_id=stock.lot.pk, response=codes.IMPROVED)

        assert StockMovement.objects.count() == before

    def test_may_come_before_what_they_correct(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row, first = world.given(), uuid7()
        tablets.dose(row, corrects=first, lot_id=stock.lot.pk)
        tablets.dose(row, id=first)

        assert stock.there() == {stock.lot.pk: 1}

    def test_leave_the_first_row_as_it_was(self, world: World, tablets: Tablets) -> None:
        row = world.given()
        first = tablets.dose(row, dose=4)
        tablets.dose(row, corrects=first, dose=8)

        assert shown(world.ours.tablets[1], DOSES)[first]["dose"] == 4
        assert NaloxoneDose.objects.count() == 2

    def test_of_another_call_correct_nothing(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        first = tablets.dose(world.given(), lot_id=stock.lot.pk)
        other = world.assignment(world.call())
        tablets.dose(other, corrects=first, lot_id=stock.lot.pk, withdrawn=True)

        assert stock.there() == {stock.lot.pk: 1}


class TestWhoseStock:
    @pytest.mark.parametrize("given_by", ["police", "bystander", "family", "fire"])
    def test_others_give_of_their_own(
        self, world: World, stock: Stock, tablets: Tablets, given_by: str
    ) -> None:
        pk = tablets.dose(world.given(), given_by=given_by, before_arrival=True)

        assert stock.there() == {stock.lot.pk: 2}
        assert NaloxoneDose.objects.get(pk=pk).flags == []

    def test_a_bystander_may_be_handed_ours(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        tablets.dose(world.given(), given_by="bystander", kit_id=stock.kit.pk)

        assert sum(stock.there().values()) == 1

    def test_a_dose_that_was_refused_is_still_there(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        tablets.dose(world.given(), withheld=codes.REFUSED)

        assert stock.there() == {stock.lot.pk: 2}

    def test_a_dose_from_nowhere_is_taken_and_flagged(self, world: World, tablets: Tablets) -> None:
        pk = tablets.dose(world.given(), dose=10)

        assert NaloxoneDose.objects.get(pk=pk).flags == ["stock_unknown"]

    def test_more_than_there_was_is_taken_and_flagged(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        row = world.given()
        for _ in range(3):
            tablets.dose(row, lot_id=stock.lot.pk)

        assert stock.there() == {stock.lot.pk: -1}
        last = StockMovement.objects.order_by("order").last()
        assert last is not None
        assert last.flags == ["below_zero"]
        kinds = [one["kind"] for one in reference("kit")[str(stock.kit.pk)]["warnings"]]
        assert kinds == ["below_zero"]


class TestBeforeItsAssignment:
    def test_it_is_shown_to_its_author_and_attached_later(
        self, world: World, stock: Stock, tablets: Tablets
    ) -> None:
        case = uuid7()
        pk = tablets.dose(case)
        assert shown(world.ours.tablets[0], DOSES)[pk]["flags"] == ["not_here_yet"]
        assert pk not in shown(world.ours.tablets[1], DOSES)

        assert world.tap("opened", case, data={"entry": "on_view"}) == []

        assert shown(world.ours.tablets[1], DOSES)[pk]["flags"] == []
        assert sum(stock.there().values()) == 1

    def test_outside_any_assignment_it_is_kept(self, world: World, tablets: Tablets) -> None:
        pk = tablets.dose(None)

        assert pk in shown(world.ours.tablets[0], DOSES)
        assert NaloxoneDose.objects.visible_to(world.supervisor).filter(pk=pk).exists()


class TestWhoHasTheCall:
    def test_has_its_doses(self, world: World, tablets: Tablets) -> None:
        row = world.given()
        pk = tablets.dose(row)
        reassign(
            assignment=row, to=world.theirs.unit, by=world.supervisor, reason="x", now=after(60)
        )
        world.commit()

        assert pk in shown(world.theirs.tablets[0], DOSES)
        assert pk in dropped(world.ours.tablets[0], DOSES)

    def test_loses_them_with_the_call_unless_a_record_is_owed(
        self, world: World, tablets: Tablets
    ) -> None:
        row = world.given()
        pk = tablets.dose(row)
        world.tap("contact_made", row, now=after(60))
        world.tap("cleared", row, now=after(120), data={"disposition": "43"})
        let_cleared_go(now=after(4000))
        world.commit()
        assert pk in shown(world.ours.tablets[1], DOSES)

        people.let_go(encounter_id=encounter_id(row.pk), now=after(5000))
        world.commit()

        assert pk in dropped(world.ours.tablets[1], DOSES)
        assert NaloxoneDose.objects.visible_to(world.supervisor).filter(pk=pk).exists()

    def test_has_them_again_with_a_record_that_is_owed_only_later(
        self, world: World, tablets: Tablets
    ) -> None:
        """Somebody else who was met is told of when the call had left, and all was settled."""
        row = world.given()
        pk = tablets.dose(row)
        world.tap("contact_made", row, now=after(60))
        world.tap("cleared", row, now=after(120), data={"disposition": "43"})
        let_cleared_go(now=after(4000))
        people.let_go(encounter_id=encounter_id(row.pk), now=after(5000))
        world.commit()
        assert pk in dropped(world.ours.tablets[1], DOSES)

        met = {"assignment_id": row.pk, "ordinal": 2, "person_id": uuid7()}
        told = documented(world.ours.tablets[0], after(6000), **met, match="possible")
        told["id"] = str(encounter_id(row.pk, 2))
        tablets.push("encounters", told, now=after(6000))

        assert pk in shown(world.ours.tablets[1], DOSES)

    def test_what_comes_after_that_leaves_its_tablet_again(
        self, world: World, tablets: Tablets
    ) -> None:
        row = world.given()
        reassign(
            assignment=row, to=world.theirs.unit, by=world.supervisor, reason="x", now=after(60)
        )
        world.commit()
        pk = tablets.dose(row, now=after(120))
        assert pk in shown(world.theirs.tablets[0], DOSES)
        assert pk in shown(world.ours.tablets[0], DOSES)
        assert pk not in shown(world.ours.tablets[1], DOSES)

        assert services.let_late_go(now=after(3000)) == 0
        assert services.let_late_go(now=after(4000)) == 1
        world.commit()

        assert pk in dropped(world.ours.tablets[0], DOSES)
        assert services.let_late_go(now=after(4060)) == 0


class TestAppendOnly:
    @pytest.mark.parametrize("verb", ["update", "delete"])
    def test_no_dose_is_changed(self, world: World, tablets: Tablets, verb: str) -> None:
        rows = NaloxoneDose.objects.filter(pk=tablets.dose(world.given()))
        with pytest.raises(Error), transaction.atomic():
            rows.update(lot_id=None) if verb == "update" else rows.delete()

    def test_the_application_may_only_add(
        self,
        world: World,
        tablets: Tablets,
        application_role: Callable[[], AbstractContextManager[None]],
    ) -> None:
        tablets.dose(world.given())
        with pytest.raises(Error), application_role():
            NaloxoneDose.objects.update(lot_id=None)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_the_same_dose_on_several_connections_moves_stock_once(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        stock, tablets = stocked(committed_world), Tablets(committed_world)
        document = documented(
            committed_world.ours.tablets[0], NOON, assignment_id=committed_world.given().pk, **SPRAY
        )

        pushes = [elsewhere.start(lambda: tablets.push(DOSES, document)) for _ in range(4)]
        assert [push.result(timeout=60) for push in pushes] == [[]] * 4
        assert NaloxoneDose.objects.count() == 1
        assert sum(stock.there().values()) == 1

    def test_two_doses_are_both_counted_in_what_is_told(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        stock, tablets = stocked(committed_world), Tablets(committed_world)
        one, other = (committed_world.assignment(committed_world.call()) for _ in range(2))
        with transaction.atomic():
            tablets.dose(one, lot_id=stock.lot.pk)
            second = elsewhere.start(lambda: tablets.dose(other, lot_id=stock.lot.pk))
            elsewhere.until_waiting(second)
        second.result(timeout=60)

        assert stock.there() == {}
        assert reference("kit")[str(stock.kit.pk)]["stock"] == []

    def test_a_dose_and_its_correction_end_in_one_movement(
        self, committed_world: World, elsewhere: Elsewhere
    ) -> None:
        stock, tablets = stocked(committed_world), Tablets(committed_world)
        row, first = committed_world.given(), uuid7()
        with transaction.atomic():
            tablets.dose(row, id=first)
            late = elsewhere.start(lambda: tablets.dose(row, corrects=first, lot_id=stock.lot.pk))
            elsewhere.until_waiting(late)
        late.result(timeout=60)

        assert stock.there() == {stock.lot.pk: 1}
