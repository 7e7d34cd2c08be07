"""A report and a supervisor at the same moment: nothing that was reported is lost."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.referrals.models import DirectoryTask
from apps.referrals.services import directory
from tests.factories import NOON
from tests.integration.assignments.conftest import build
from tests.integration.conftest import Elsewhere
from tests.integration.referrals.directory import a_shelter, fact

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_report_that_comes_while_its_task_is_settled_is_a_new_task(
    elsewhere: Elsewhere,
) -> None:
    world = build(lambda: None)
    service = a_shelter(world.commit)

    def report() -> None:
        world.push(fact(world, "directory_report", service_id=service.pk, about="phone"))

    elsewhere.do(report)
    task = DirectoryTask.objects.get()
    with transaction.atomic():
        directory.settle_task(task=task, outcome="not_ours", by=world.supervisor, now=NOON)
        late = elsewhere.start(report)
        elsewhere.until_waiting(late)
    late.result(timeout=60)
    assert [t.reports.count() for t in DirectoryTask.objects.order_by("pk")] == [1, 1]
    assert DirectoryTask.objects.open().count() == 1
