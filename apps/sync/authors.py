"""Who typed what is pushed: not always who is signed in when it arrives.

A client names the author in `author_id`. That is believed of whoever has been signed in on this
very tablet, and of nobody else. A client that names nobody speaks for who is signed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from apps.accounts.auth import TabletSession
from apps.accounts.models import LocalDatabase, TabletState, User
from apps.core.problems import FieldError
from apps.sync import recovery
from apps.sync.registry import Collection, Contact, Pushed
from apps.sync.rows import Row
from apps.sync.values import uuid_of

NOBODY = FieldError("", "Nobody was signed in on the tablet.")
LOST = FieldError("", "This tablet was reported lost.")
_NO_PERSON = FieldError("/author_id", "Not the id of a person.")
_NEVER_HERE = FieldError("/author_id", "This person was never signed in on this tablet.")
_CLOSED = FieldError("/author_id", "This person's account is closed.")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose a row is. `author` None: nobody knows. `errors`: why it cannot be taken from them now.

    `waits`: all that is missing is that they sign in. `another`: they are not who is signed in.
    """

    author: User | None
    errors: tuple[FieldError, ...] = ()
    waits: bool = False
    another: bool = False

    def speaks(self, contact: Contact) -> Contact:
        """The contact as its author's."""
        if contact.session.user == self.author:
            return contact
        return replace(contact, session=TabletSession(contact.session.tablet, self.author))


def attribute(
    collection: Collection, rows: Sequence[Row], contact: Contact
) -> dict[str, Attribution]:
    """Whose each of these rows is, by the row's id."""
    session = contact.session
    here = session.user
    mine = None if here is None else str(here.pk)
    if here is None:
        missing = LOST if session.lost else NOBODY
        unnamed = Attribution(None, (missing,))
    else:
        unnamed = Attribution(here)
    named = {row.id: row.document.get("author_id") for row in rows}
    others = {person for name in named.values() if name != mine and (person := uuid_of(name))}
    known = _signed_in_before(session, others) if others else {}
    found: dict[str, Attribution] = {}
    for row in rows:
        name = named[row.id]
        if name is None or (mine is not None and name == mine):
            found[row.id] = unnamed
        elif (someone := known.get(uuid_of(name))) is not None:
            found[row.id] = _of_another(someone, session)
        elif here is not None and _is_echo(collection, row):
            found[row.id] = unnamed
        else:
            found[row.id] = Attribution(
                None, (_NO_PERSON if uuid_of(name) is None else _NEVER_HERE,), another=True
            )
    return found


Parsed = Pushed | list[FieldError]


def own_saves(rows: Mapping[str, Parsed], contact: Contact) -> dict[str, Parsed]:
    """The rows, without the `editor` and `edit_no` of those that name a local database of another
    tablet that is in use: they are no save of it.

    With the other's name and a high number, all that the other saves from then on would lie behind
    it, and its tablet would take the document for the answer to what it has not sent yet. Whoever
    comes back from another history hands over others' saves as well.
    """
    here = contact.session.tablet
    named = {one.editor for one in rows.values() if isinstance(one, Pushed) and one.editor}
    strange = named - {contact.instance}
    if not strange:
        return dict(rows)
    theirs = LocalDatabase.objects.filter(pk__in=strange, tablet__state=TabletState.ACTIVE)
    borrowed = set(theirs.exclude(tablet=here).values_list("pk", flat=True))
    if not borrowed or recovery.coming_back([contact.instance]):
        return dict(rows)
    return {
        id: replace(one, editor=None, edit_no=None)
        if isinstance(one, Pushed) and one.editor in borrowed
        else one
        for id, one in rows.items()
    }


def _signed_in_before(session: TabletSession, people: set[UUID]) -> dict[UUID | None, User]:
    found = User.objects.filter(pk__in=people, sign_ins__tablet=session.tablet).distinct()
    return {person.pk: person for person in found}


def _of_another(person: User, session: TabletSession) -> Attribution:
    if not person.is_active:
        return Attribution(person, (_CLOSED,), another=True)
    if session.user is not None:
        return Attribution(person, another=True)
    if session.tablet.state == TabletState.ACTIVE:
        return Attribution(person, (NOBODY,), waits=True, another=True)
    return Attribution(person, (LOST,), another=True)


def _is_echo(collection: Collection, row: Row) -> bool:
    """A client that knows nothing of `author_id` sends back what it was served with a document that
    somebody else had begun."""
    assumed = row.assumed or {}
    return collection.kind == "merged" and assumed.get("author_id") == row.document["author_id"]
