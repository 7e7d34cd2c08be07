"""What others do with pages."""

from __future__ import annotations

import contextlib
from unittest import mock

from apps.changes import bell
from tests.oracle.day import busy_rule, which
from tests.oracle.office import Office
from tests.oracle.pages.day import Pages
from tests.oracle.pages.rights import EVERYONE
from tests.probe import rooms


class PagesOffice(Pages, Office):
    """Rules for what does not happen on tablets."""

    # --- who may what ---

    @busy_rule(who=which)
    def revoke(self, who: int) -> None:
        self.world.revoke(self._person(who))

    @busy_rule(who=which)
    def grant(self, who: int) -> None:
        self.world.grant(self._person(who))

    # --- the other side ---

    def _publish(self, n: int, *, poked: bool) -> None:
        """The server writes a document of its own, to the team, to one person or to everyone, or
        takes one back; `poked`: whether any socket is told."""
        notes, text = self.world.rights.notes, self.world.typed.words.word()
        with contextlib.nullcontext() if poked else mock.patch.object(bell, "ring", int):
            match n % 4:
                case 0:
                    notes[rooms.note(text, to=self.world.team)] = ("notes", None)
                case 1:
                    notes[rooms.note(text, to=self._person(n))] = ("notes", self._person(n).pk)
                case 2:
                    notes[rooms.sign(text)] = ("signs", EVERYONE)
                case _ if notes:
                    id = list(notes)[n % len(notes)]
                    rooms.withdraw(id, collection=notes.pop(id)[0])

    def end_the_day(self) -> None:
        """What is for everyone is taken back: tomorrow is another team's day."""
        super().end_the_day()
        for id, (collection, _) in self.world.rights.notes.items():
            if collection == "signs":
                rooms.withdraw(id, collection=collection)
