"""First aid, and answers to what the log asks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import Error, transaction

from apps.audit.services import SYSTEM
from apps.core.problems import ProblemError
from apps.firstaid import aid, codes, doses, services
from apps.firstaid.models import FirstAidLog, NaloxoneDose, OverdoseAnswer, OverdoseProtocol
from tests.factories import NOON
from tests.integration.assignments.conftest import World, after, shown
from tests.integration.firstaid.conftest import Tablets, documented, reference

pytestmark = pytest.mark.django_db
AID = "first_aid_logs"


class TestFirstAid:
    def test_is_on_the_partners_tablet(self, world: World, tablets: Tablets) -> None:
        row = world.given()
        pk = tablets.aid(
            row,
            injuries=["bleeding"],
            procedures=["447686008"],
            refused=[{"procedure": "61746007", "reason": codes.REFUSED}],
            vitals={"pulse": 96},
        )

        told = shown(world.ours.tablets[1], AID)[pk]
        assert (told["procedures"], told["vitals"]) == (["447686008"], {"pulse": 96})
        assert told["flags"] == []
        [found] = aid.aids(FirstAidLog.objects.of(row.pk))
        assert found.refused == (aid.Refusal("61746007", codes.REFUSED),)

    @pytest.mark.parametrize(
        ("fields", "flag"),
        [
            ({"procedures": ["1"]}, "unknown_code"),
            ({"vitals": {"pulse": 900}}, "bad_field"),
            ({"vitals": {"mood": 3}}, "bad_field"),
            ({"vitals": [96]}, "bad_field"),
            ({"refused": [{"procedure": "61746007"}]}, "bad_field"),
        ],
    )
    def test_that_is_odd_is_kept_and_flagged(
        self, world: World, tablets: Tablets, fields: dict[str, Any], flag: str
    ) -> None:
        row = FirstAidLog.objects.get(pk=tablets.aid(world.given(), **fields))

        assert flag in row.flags
        [(name, value)] = fields.items()
        assert {**(row.unread or {}), **row.data}[name] == value

    def test_is_corrected_by_another_row(self, world: World, tablets: Tablets) -> None:
        row = world.given()
        first = tablets.aid(row, procedures=["182555002"])
        tablets.aid(row, corrects=first, procedures=["20655006"])

        [found] = aid.aids(FirstAidLog.objects.of(row.pk))
        assert found.procedures == ("20655006",)

    def test_is_never_changed(self, world: World, tablets: Tablets) -> None:
        rows = FirstAidLog.objects.filter(pk=tablets.aid(world.given()))
        with pytest.raises(Error), transaction.atomic():
            rows.update(done_at=NOON)

    def test_never_reaches_the_dispatch_desk(self, world: World, tablets: Tablets) -> None:
        pk = tablets.aid(world.given())

        assert not FirstAidLog.objects.visible_to(world.dispatcher).exists()
        assert FirstAidLog.objects.visible_to(world.supervisor).filter(pk=pk).exists()


class TestAnswers:
    def test_complete_the_dose_that_they_are_about(self, world: World, tablets: Tablets) -> None:
        row = world.given()
        pk = tablets.dose(row)
        answered = tablets.log(
            "facts",
            row,
            kind="overdose_answer",
            question="breathing",
            answer=codes.BREATHING_NORMALLY,
            response=codes.IMPROVED,
            dose_id=pk,
            now=after(120),
        )

        told = shown(world.ours.tablets[1], "facts")[answered]
        assert (told["question"], told["answer"]) == ("breathing", codes.BREATHING_NORMALLY)
        [dose] = doses.doses(NaloxoneDose.objects.of(row.pk), OverdoseAnswer.objects.of(row.pk))
        assert (dose.response, dose.breathing_after) == (
            codes.IMPROVED,
            codes.BREATHING_NORMALLY,
        )

    def test_that_nobody_knows_are_kept_and_flagged(self, world: World, tablets: Tablets) -> None:
        pk = tablets.log(
            "facts", world.given(), kind="overdose_answer", question="breathing", answer="deeply"
        )

        row = OverdoseAnswer.objects.get(pk=pk)
        assert (row.flags, row.data["answer"]) == (["unknown_code"], "deeply")

    def test_to_no_question_are_kept_apart(self, world: World, tablets: Tablets) -> None:
        by = world.ours.tablets[0]
        document = documented(by, NOON, assignment_id=world.given().pk, kind="overdose_answer")
        [answer] = tablets.push("facts", document)

        assert answer["sync_status"] == "quarantined"

    def test_are_never_seen_by_the_dispatch_desk(self, world: World, tablets: Tablets) -> None:
        tablets.log("facts", world.given(), kind="overdose_answer", question="handover")

        assert not OverdoseAnswer.objects.visible_to(world.dispatcher).exists()


class TestTheProtocol:
    def test_is_the_shipped_one_until_another_is_approved(self, world: World) -> None:
        assert services.protocol_of(NOON.date()).version == "shipped"
        services.save_protocol(protocol=approved(), by=SYSTEM, now=NOON)
        world.commit()

        assert services.protocol_of(NOON.date()).version == "2026-1"
        told = {one["version"]: one for one in reference("overdose_protocol").values()}
        assert told["2026-1"]["recheck_seconds"] == 120
        assert [one["code"] for one in told["2026-1"]["questions"]] == list(codes.QUESTIONS)

    def test_that_has_begun_is_only_ended(self) -> None:
        row = services.save_protocol(protocol=approved(), by=SYSTEM, now=NOON)
        row.effective_to = NOON.date() + timedelta(days=9)
        services.save_protocol(protocol=row, by=SYSTEM, now=NOON)
        row.recheck_seconds = 180
        with pytest.raises(ProblemError):
            services.save_protocol(protocol=row, by=SYSTEM, now=NOON)

    @pytest.mark.parametrize("seconds", [119, 181])
    def test_asks_after_two_to_three_minutes(self, seconds: int) -> None:
        row = approved()
        row.recheck_seconds = seconds
        with pytest.raises(Error), transaction.atomic():
            services.save_protocol(protocol=row, by=SYSTEM, now=NOON)


def approved() -> OverdoseProtocol:
    return OverdoseProtocol(
        version="2026-1",
        citation="Medical director, 2 March 2026",
        effective_from=NOON.date() - timedelta(days=2),
        recheck_seconds=120,
    )
