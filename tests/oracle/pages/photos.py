"""Photos in the evening: all are here, and are seen by those who see a document that names them."""

from __future__ import annotations

import random
from uuid import UUID

from apps.core.ids import uuid7
from apps.simulator.radio import Radio
from apps.simulator.tablet.media import Media
from apps.sync.media.models import MediaFile
from tests.factories import EnrolledTablet, person, tablet
from tests.oracle.held import Held, app
from tests.oracle.world import World


def send_all(world: World) -> bool:
    """Sends those that are not here (any more: the server may have been put back). Whether there
    are any."""
    for sha256, held in world.photos.items():
        if not world.is_shut(held) and sha256 in held.media.held():
            assert world.run(held.media.send(sha256)), f"{held.name}: {held.media.refused()}"
    return bool(world.photos)


def amiss(world: World) -> list[str]:
    """Photos that are not here, or not shown to whom they should be, or to others."""
    wrong = []
    here = {bytes(sha).hex() for sha in MediaFile.objects.values_list("sha256", flat=True)}
    for sha256, held in world.photos.items():
        if world.is_shut(held):
            continue  # it may not have heard that its photo came
        if sha256 in held.media.unsent():
            wrong.append(f"{held.name} still keeps a photo unsent")
        if sha256 not in here and sha256 in held.media.held():
            wrong.append(f"a photo of {held.name} is not here")
    for held in world.let_in:
        sent = set(held.media.held()) - set(held.media.unsent())
        wrong += [
            f"{held.name} still has the photo of a document that it has no more"
            for sha256 in sent
            if not held.store.names(sha256)
        ]
        if user := world.rights.hands[held.of.tablet.pk]:
            for sha256 in world.photos.keys() & here:
                wrong += _shown(world, held, user, sha256)
    if world.photos:
        wrong += _a_stranger(world)
    return wrong


def _shown(world: World, held: Held, user: UUID, sha256: str) -> list[str]:
    got = world.run(_fetch(world, held.of, sha256)) is not None
    named = [
        page["id"] for page in held.store.documents("pages") if sha256 in (page.get("photos") or [])
    ]
    if named and not got:
        return [f"{held.name} is not shown the photo of {named}"]
    if got and not any(sha256 in text for text in held.texts(("pages", "quarantine"))):
        taken = world.photos[sha256]
        if user not in world.rights.ever[taken.of.tablet.pk]:
            return [f"{held.name} is shown a photo of no document that it has"]
    return []


def _a_stranger(world: World) -> list[str]:
    """Somebody of another team, who has heard of the photos' addresses and names them."""
    of = tablet(person())
    client = app(world.rooms, world.urls[0], ":memory:", Radio(random.Random(1)))
    client.store.enrolled(of.token)
    client.save("marks", {"id": str(uuid7()), "text": "mine", "photos": list(world.photos)})
    world.run(client.round_trip.once())
    seen = [sha256 for sha256 in world.photos if world.run(_fetch(world, of, sha256))]
    world.run(client.close())
    return [f"a stranger sees the photo {sha256}" for sha256 in seen]


async def _fetch(world: World, of: EnrolledTablet, sha256: str) -> bytes | None:
    media = Media(world.urls[0], ":memory:", lambda: of.token, dice=random.Random(1))
    try:
        return await media.fetch(sha256)
    finally:
        await media.close()
