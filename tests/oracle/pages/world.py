"""A day's team in the rooms of `tests.probe`."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.changes import scopes
from apps.changes.models import StoredDocument
from apps.changes.reading import body_of
from apps.changes.services import grant, revoke
from apps.sync.models import Version
from tests.oracle.held import Rooms
from tests.oracle.pages import photos
from tests.oracle.pages.rights import PagesRights
from tests.oracle.rights import Shown
from tests.oracle.words import is_uuid
from tests.oracle.world import World

PROBE = Rooms(
    collections=("notes", "pages", "marks", "facts", "quarantine", "signs"),
    pushable=("pages", "marks", "facts"),
    append_only=("marks", "facts"),
    shared="signs",
    old=1,
    today=2,
)


class PagesWorld(World):
    """Everybody is granted the team's documents, until a supervisor takes them away."""

    rooms = PROBE
    rights: PagesRights

    def _staff(self) -> None:
        self.rights = PagesRights()
        for user in self.people:
            self.grant(user)

    def documents(self) -> list[Shown]:
        return self.rights.documents(self.typed.ids)

    def finish(self) -> bool:
        """What the photos show is sent once more."""
        return photos.send_all(self)

    def wrong(self) -> list[str]:
        moods = (f"erased by an old app: {word}" for word in sorted(_moods(self)))
        return [*moods, *photos.amiss(self)]

    def grant(self, user: User) -> None:
        with transaction.atomic():
            grant(principal=user.pk, scopes=[scopes.team(self.team.pk)])
        self.rights.team.add(user.pk)

    def revoke(self, user: User) -> None:
        with transaction.atomic():
            revoke(principal=user.pk, scopes=[scopes.team(self.team.pk)])
        self.rights.team.discard(user.pk)


def _moods(world: PagesWorld) -> set[str]:
    """Moods that a page does not have any more: who knows the field never empties it."""
    ids = [id for id in world.typed.ids if is_uuid(id)]
    held = Version.objects.filter(collection="pages", doc_id__in=ids).exclude(fate="kept")
    moods = {
        save.doc_id: mood for save in held if (mood := (save.result or save.content).get("mood"))
    }
    gone = set(held.filter(fate="deleted").values_list("doc_id", flat=True))
    rows = StoredDocument.objects.filter(collection="pages", doc_id__in=moods.keys() - gone)
    return {
        moods[row.doc_id]
        for row in rows
        if b'"mood"' not in (body_of("pages", row.doc_id, row.body) or b"")
    }
