"""Reference data: loaded once, however often it is loaded; sent to tablets once."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import jsonschema
import orjson
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.accounts.models import ClientToken
from apps.accounts.tokens import token_hash
from apps.audit.services import SYSTEM
from apps.changes import reading
from apps.changes.models import Change
from apps.changes.services import EVERYONE
from apps.core.ids import uuid7
from apps.dispatch import reference, services
from apps.dispatch.models import CallType, DispatchRule, Unit
from apps.sync import registry
from tests.factories import NOON

pytestmark = pytest.mark.django_db


def documents() -> list[dict[str, Any]]:
    with reading.snapshot():
        rows = reading.page(
            holder=EVERYONE, collection="reference", seq=0, doc_id=uuid7(), limit=1000
        )
    return [row.body() for row in rows if row.visible]


def test_call_types_rules_and_lists_are_loaded(commit_now: Callable[[], None], unit: Unit) -> None:
    out = StringIO()
    call_command("load_reference", stdout=out)
    commit_now()
    assert CallType.objects.count() == len(reference.call_types())
    assert {"2023-pilot", "2025-citywide", "2025-solo"} <= set(
        DispatchRule.objects.values_list("version", flat=True)
    )
    named = ("name", "call_sign", "version")
    told = {next(d[key] for key in named if key in d): d for d in documents()}
    assert {"beats", "call_types", "dispositions", "CARE-21"} <= set(told)
    assert {"code": "14", "description": "Gone On Arrival (GOA)/Unable To Locate (UATL)"} in told[
        "dispositions"
    ]["items"]
    assert f"{len(reference.call_types())} call types" in out.getvalue()


def test_loading_again_changes_and_sends_nothing(commit_now: Callable[[], None]) -> None:
    services.load_reference(by=SYSTEM, now=NOON)
    commit_now()
    changes = Change.objects.count()
    DispatchRule.objects.filter(version="2023-pilot").update(citation="as the agency has it")
    again = services.load_reference(by=SYSTEM, now=NOON)
    assert (again.call_types, again.rules, again.documents) == (0, 0, 0)
    assert Change.objects.count() == changes
    assert DispatchRule.objects.get(version="2023-pilot").citation == "as the agency has it"


def test_every_document_fits_the_published_schema_and_a_tablet(
    commit_now: Callable[[], None], unit: Unit, loaded: None
) -> None:
    commit_now()
    collection = registry.get("reference")
    assert collection is not None
    for document in documents():
        jsonschema.validate(document, collection.published_schema())
        assert len(orjson.dumps(document)) < 64 * 1024, document.get("name")
    jsonschema.validate({"id": str(uuid7()), "_deleted": True}, collection.published_schema())


def test_a_changed_unit_reaches_the_tablets(commit_now: Callable[[], None], unit: Unit) -> None:
    unit.in_service = False
    services.save_unit(unit=unit, by=SYSTEM, now=NOON)
    commit_now()
    assert [d["in_service"] for d in documents() if d["kind"] == "unit"] == [False]


def test_a_client_gets_a_token_once() -> None:
    out = StringIO()
    call_command("new_client", "Seattle CAD", stdout=out)
    token = out.getvalue().strip()
    assert ClientToken.objects.get().token_hash == token_hash(token)
    with pytest.raises(CommandError):
        call_command("new_client", "Seattle CAD")
