"""A pushed version of a document that people change together: judged, written, kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.accounts.auth import TabletSession
from apps.accounts.models import User
from apps.accounts.services import tablet_actor
from apps.changes.services import Document, publish
from apps.core.problems import FieldError
from apps.sync import documents, projection
from apps.sync.canonical import covers, same
from apps.sync.documents import SERVER_EDITOR, Stand
from apps.sync.judging import Content, Fate, Sent, State, Verdict, judge
from apps.sync.media import naming
from apps.sync.registry import Collection, Contact, Edit, Merging, Pushed, Refused, content_of
from apps.sync.services import quarantine, versions
from apps.sync.services.versions import Save
from apps.sync.values import revision

LARGEST_DOCUMENT = 64 * 1024  # bytes of JSON
_LARGEST_LEAP = 1_000_000  # revisions that a document can have lost
_NOT_YOURS = FieldError("", "You may not change this document, or not any more.")
_UNREADABLE = FieldError("", "What is stored here cannot be read. The operator has been told.")
_NOT_DELETED = FieldError("/_deleted", "What was recorded is not deleted.")
_TOO_LARGE = FieldError("", f"With what others wrote it has over {LARGEST_DOCUMENT} bytes.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a version. `answer`: the document to return; None: it holds as it was sent.
    `rev`: the revision that the document has from then on; `led_to`: the one that it must have once
    all is published, from which it is lifted to `rev`."""

    answer: dict[str, Any] | None
    rev: int
    led_to: int


def must_have_led(collection: str, taken: Mapping[UUID, Outcome]) -> None:
    """Once all that came of these documents is published: nobody has written one of them without
    its lock, and each has its revision from then on. See `documents`."""
    documents.must_have_led_to(collection, {id: one.led_to for id, one in taken.items()})
    lifted = {id: one.rev for id, one in taken.items() if one.rev > one.led_to}
    documents.lift(collection, lifted)


def stands_of(
    collection: Collection,
    contact: Contact,
    rows: Sequence[Pushed],
    *,
    unread: Sequence[UUID] = (),
) -> dict[UUID, Stand]:
    """Locks the documents of these versions, each of another one, and reads how they stand. Locked
    too are those that rows name which cannot be read (`unread`): what is kept of such a row may be
    shown in the place of the document, and must not cover up one that is not committed yet."""
    documents.lock(collection.name, [*(row.doc_id for row in rows), *unread])
    return documents.stands(collection, [(row, contact.instance) for row in rows])


def seen_by(stand: Stand, pushed: Pushed, people: Sequence[User | None]) -> Stand:
    """The same with `visible` judged by what these people may see (one of them is enough), where
    they are not those that the local database is signed in for."""
    visible = stand.exists and any(
        documents.may_see(one, collection=pushed.collection, doc_id=pushed.doc_id)
        for one in people
        if one is not None
    )
    return replace(stand, visible=visible)


def take(
    collection: Collection,
    pushed: Pushed,
    stand: Stand,
    contact: Contact,
    *,
    history: list[Save],
    now: datetime,
) -> Outcome:
    """Judges one version and does what the verdict says, under the document's lock. The row for the
    history is added to `history`, for the caller to write in the same transaction. Raises Refused
    for a document that its author may not change, and what `write` raises."""
    return _Taking(collection, pushed, stand, contact, history, now).outcome()


@dataclass(frozen=True, slots=True)
class _Taking:
    """One version, and everything that is known of it."""

    collection: Collection
    pushed: Pushed
    stand: Stand
    contact: Contact
    history: list[Save]
    now: datetime

    def outcome(self) -> Outcome:
        stand = self.stand
        if stand.told_before or self._comes_again():
            # A deletion that was not carried out has not become one because its text stands again.
            seen = stand.body if stand.visible else None
            if seen is not None and self.pushed.deleted:
                return self._unchanged(_whole(seen, stand.rev))
            return self._unchanged(self._answer(seen, stand.rev))
        if stand.exists and not stand.visible:
            raise Refused([_NOT_YOURS])
        if not stand.readable:
            raise Refused([_UNREADABLE])
        if self.pushed.deleted:
            return self._delete()
        last = stand.last
        verdict = judge(
            self._sent(),
            stand.present,
            last and replace(last, content=self._completed(last.content)),
            told_before=False,
            policies=self._merging.policies,
        )
        return self._carry_out(verdict)

    def _comes_again(self) -> bool:
        """Whether a client that does not number its saves sends its last one once more: the same
        content, typed on nothing later than what that had led to."""
        pushed = self.pushed
        if pushed.edit_no is not None or pushed.deleted or not self.stand.exists:
            return False
        last = versions.last_unnumbered(pushed=pushed, instance=self.contact.instance)
        return (
            last is not None
            and bytes(last.fingerprint) == pushed.fingerprint
            and max(pushed.rev, pushed.assumed_rev) < last.rev
        )

    def _carry_out(self, verdict: Verdict) -> Outcome:
        body, rev = self.stand.body, self.stand.rev
        present = self.stand.present.content if self.stand.present else None
        content: Content | None = verdict.content
        named = self._named_rev()
        if self.pushed.withheld and verdict.fate == Fate.SAME:
            content = present  # written once more: it says that something was left out
        elif content is not None and present is not None and same(content, present):
            content = None
        led_to = rev
        if content is not None:
            body = self._write(dict(content), verdict.fate)
            led_to, rev = rev + 1, max(rev + 1, named)
        elif verdict.fate == Fate.SAME and named > rev:
            rev = named  # nothing else is new of it, so that it is only sent once more
            again = Document(self.collection.name, self.pushed.doc_id, None)
            publish(documents=[again], now=self.now)
        if verdict.fate == Fate.NEW and self.stand.rev:
            quarantine.give_way(collection=self.collection.name, doc_id=self.pushed.doc_id)
        save = self._keep(
            verdict.fate, rev, verdict.content if verdict.fate == Fate.MERGED else None
        )
        if verdict.lost:
            self._open_conflicts(save, verdict)
        return Outcome(self._answer(body, rev), rev, led_to)

    def _unchanged(self, answer: dict[str, Any] | None) -> Outcome:
        return Outcome(answer, self.stand.rev, self.stand.rev)

    def _named_rev(self) -> int:
        """The revision that it was typed on, as it says. A later one than the document has is of a
        time that this server was put back from: whoever comes from there after this must be told
        from what is later still. Nobody can say how late; so much is believed at once."""
        named = max(self.pushed.rev, self.pushed.assumed_rev)
        return min(named, self.stand.rev + _LARGEST_LEAP)

    def _open_conflicts(self, save: Save, verdict: Verdict) -> None:
        """What was sent and does not stand is its writer's. Where it stands as a whole, what it has
        covered is of whoever had written that: a row for each of them."""
        parts = [(save.author, save.tablet, dict(verdict.lost))]
        if verdict.fate == Fate.APPLIED:
            written = versions.writers_of(
                collection=self.collection.name,
                doc_id=self.pushed.doc_id,
                rev=self.stand.rev,
                values=verdict.lost,
            )
            parts = [
                (by.author if by else None, by.tablet if by else None, kept) for by, kept in written
            ]
        for author, tablet, kept in parts:
            versions.open_conflict(
                save=save,
                author=author,
                tablet=tablet,
                won={name: verdict.won[name] for name in kept},
                kept=kept,
                now=self.now,
            )

    def _write(self, content: dict[str, Any], fate: Fate) -> dict[str, Any]:
        if len(orjson.dumps(content)) > LARGEST_DOCUMENT:
            raise Refused([_TOO_LARGE])
        body = self._merging.write(self._edit(content, of_server=fate == Fate.MERGED))
        self._note_media(body)
        return body

    def _note_media(self, document: Mapping[str, Any] | None) -> None:
        naming.note(
            collection=self.collection,
            doc_id=self.pushed.doc_id,
            document=document,
            author=self.contact.session.user,
            now=self.now,
            named_before=self.stand.names_media,
        )

    def _delete(self) -> Outcome:
        """Withdraws a document that nobody has changed since; what others have written meanwhile
        outlives a deletion."""
        delete, stand = self._merging.delete, self.stand
        if delete is None:
            raise Refused([_NOT_DELETED])
        if stand.present is None:
            return self._unchanged(None)
        sent, last, present = self._sent(), stand.last, stand.present
        # What names nothing is no sight of anything.
        base = sent.assumed.content if sent.assumed else sent.content
        own = last is not None and last.rev == present.rev and covers(present.content, last.content)
        if not (own or (base and covers(present.content, base))):
            self._keep(Fate.KEPT, stand.rev, None)
            return self._unchanged(_whole(stand.body or {}, stand.rev))
        content = dict(stand.present.content)
        delete(self._edit(content, of_server=False))
        self._note_media(None)
        self._keep("deleted", stand.rev, content)
        return self._unchanged(None)

    def _edit(self, content: dict[str, Any], *, of_server: bool) -> Edit:
        """`of_server`: a document put together from two is no save of this device. As one, the next
        edit of the device would overwrite what was merged in."""
        user, present = self.contact.session.user, self.stand.present
        assert user is not None, "the edge lets nobody through who is not signed in"
        return Edit(
            collection=self.collection.name,
            doc_id=self.pushed.doc_id,
            document=content,
            before=dict(present.content) if present else None,
            editor=SERVER_EDITOR if of_server else self.pushed.editor,
            edit_no=None if of_server else self.pushed.edit_no,
            author=user,
            actor=tablet_actor(self.contact.session.tablet, user),
            now=self.now,
            withheld=self.pushed.withheld,
        )

    def _keep(self, fate: str, rev: int, result: Mapping[str, Any] | None) -> Save:
        contact, writer = self.contact, versions.writer_of(self.pushed, self.contact)
        session = TabletSession(contact.session.tablet, writer)
        save = versions.saved(
            pushed=self.pushed,
            contact=replace(contact, session=session),
            fate=fate,
            rev=rev,
            result=result,
            now=self.now,
        )
        self.history.append(save)
        return save

    def _sent(self) -> Sent:
        pushed, assumed = self.pushed, None
        if pushed.corrects:
            # Its client takes the answer for the server's state: its real base was kept with it.
            base = quarantine.base_of(
                collection=self.collection.name, doc_id=pushed.doc_id, contact=self.contact
            )
            if base is not None:
                managed = self.collection.server_managed(base)
                content = {name: value for name, value in base.items() if name not in managed}
                assumed = State(self._completed(content_of(content)), revision(base.get("rev")))
        elif pushed.assumed is not None:
            assumed = State(self._completed(content_of(pushed.assumed)), pushed.assumed_rev)
        return Sent(
            content=self._completed(pushed.content),
            editor=str(pushed.editor) if pushed.editor else None,
            edit_no=pushed.edit_no,
            assumed=assumed,
            rev=pushed.rev,
        )

    def _completed(
        self, content: Mapping[str, Any], by: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """With what an older client cannot know within the fields that it sends."""
        if by is None:
            by = self.stand.present.content if self.stand.present else {}
        return projection.completed(self.collection, content, by, self.contact.schema)

    def _answer(self, body: Mapping[str, Any] | None, rev: int) -> dict[str, Any] | None:
        """The document as it is where it says something else than what was sent; a tombstone where
        its author sees none (any more)."""
        if body is None:
            return {"id": str(self.pushed.doc_id), "_deleted": True}
        if not self.pushed.withheld and covers(body, self._completed(self.pushed.content, body)):
            return None
        return _whole(body, rev)

    @property
    def _merging(self) -> Merging:
        assert self.collection.merging is not None, "only merged collections' versions come here"
        return self.collection.merging


def _whole(body: Mapping[str, Any], rev: int) -> dict[str, Any]:
    return {**body, "rev": rev}
