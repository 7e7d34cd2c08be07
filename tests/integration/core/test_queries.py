"""How many queries a list of the admin asks does not depend on how many rows it shows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import Role
from apps.audit.admin import RoleAdmin
from tests.factories import person
from tests.furnished import MANY, furnish
from tests.integration.assignments.conftest import World, world

__all__ = ["world"]


def test_a_list_asks_as_much_for_one_row_as_for_many(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(world)
    administrator = person(Role.ADMINISTRATOR)
    asking, many = [], []
    for model, page in admin.site._registry.items():
        if not isinstance(page, RoleAdmin):
            continue
        seen = page.VIEW | page.CHANGE
        client.force_login(world.supervisor if Role.SUPERVISOR in seen else administrator)
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        client.get(address)  # what is asked once in a process
        of_one, _ = asked(client, page, address, 1, monkeypatch)
        of_all, shown = asked(client, page, address, 100, monkeypatch)
        if shown >= MANY:
            many.append(model)
        if of_all > of_one:
            asking.append((model._meta.label, of_one, of_all, shown))
    assert asking == []
    assert len(many) >= 20  # lists with enough in them to tell


def asked(
    client: Client, page: Any, address: str, rows: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, int]:
    """The queries of a list that shows so many rows at most, and how many it does show."""
    monkeypatch.setattr(page, "list_per_page", rows)
    with CaptureQueriesContext(connection) as queries:
        answer: Any = client.get(address)
    assert answer.status_code == 200, address
    return len(queries), len(answer.context_data["cl"].result_list)
