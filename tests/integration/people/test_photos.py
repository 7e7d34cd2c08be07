"""Photographs of people: off, unless a city turns them on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from apps.core.ids import uuid7
from apps.people.documents import PERSONS
from apps.people.sync import persons
from apps.sync import registry
from apps.sync.media.models import MediaReference
from tests.integration.assignments.conftest import World, shown
from tests.integration.people.conftest import Writer

pytestmark = pytest.mark.django_db

PICTURE = "ab" * 32


@pytest.fixture
def turned_on(settings: LazySettings) -> Iterator[None]:
    settings.PERSON_PHOTOS = True
    registry.unregister(PERSONS)
    registry.register(persons(photos=True))
    yield
    registry.unregister(PERSONS)
    registry.register(persons(photos=False))


def test_are_off_by_default(world: World, writer: Writer) -> None:
    id = uuid7()
    [answer] = writer.save(PERSONS, id, aliases=["Red"], photos=[PICTURE])
    assert "photos" not in answer
    assert answer["flags"] == ["bad_field"]
    assert PICTURE not in str(shown(world.ours.tablets[0], PERSONS)[id])
    assert not MediaReference.objects.exists()


def test_that_a_city_has_turned_on_are_seen_with_the_person_who_names_them(
    world: World, writer: Writer, turned_on: None
) -> None:
    id = uuid7()
    assert writer.save(PERSONS, id, aliases=["Red"], photos=[PICTURE]) == []
    assert shown(world.ours.tablets[0], PERSONS)[id]["photos"] == [PICTURE]
    reference = MediaReference.objects.get()
    assert (reference.collection, reference.doc_id) == (PERSONS, id)
