"""What came to a responder: assault, exposure, a death on a call. Their supervisor is told, and
owes them an offer of peer support.

It is no part of the call. The report goes to its author and to the supervisors of their team; the
alert to the supervisors alone, never to the dispatch desk; the offer is a row that nothing
publishes. The audit log says that a fact was recorded and an offer made, never of what kind.

Every report is taken and shown; how often one unit rings for them is bounded, so that a tablet in
the wrong hands buries nobody. While a few of its alerts of the last hour are unanswered, a further
report is counted into the last of them, and into the offers that are owed already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.assignments import documents
from apps.assignments.codes import HARMS
from apps.assignments.models import Alert, AlertKind, Assignment, Fact, SupportOffer
from apps.assignments.records import Record, look_at, orphan_team, private_scopes
from apps.audit.services import SYSTEM, Act, Actor, record_all
from apps.changes import scopes
from apps.changes.models import Member
from apps.changes.services import Document, publish
from apps.dispatch.models import CrewMember, Unit
from apps.sync.values import uuid_of

_DEATH = "death"
# So many alerts of one unit may be unanswered, of those raised in so long.
MOST_ALERTS: Final = 3
_SO_LONG: Final = timedelta(hours=1)


def tell(
    fact: Fact,
    *,
    speaker: User | None,
    team: UUID | None,
    of: Record | None,
    by: Actor,
    now: datetime,
) -> None:
    """What follows from a report that was just stored: it is shown to its author and the team's
    supervisors, who get an alert and owe an offer to each person whom it names.

    `speaker`: who it is about where it names nobody. `of`: the call, where it is here. `team`: the
    tablet's, where neither unit nor author has one.
    """
    team = orphan_team(fact) or team
    assert team is not None, "a desk tells it of a unit's call, and a tablet has a team"
    alert = _alert(fact.assignment_id, fact.pk, fact.unit, now)
    standing = _standing(fact.unit, team, now)
    people = _affected(fact.data, team) or [speaker]
    offers = _owe(
        people, _kinds(fact.data), team=team, on=fact.assignment_id, few=bool(standing), now=now
    )
    report = Document("facts", fact.pk, private_scopes(fact, team), documents.private_body(fact))
    publish(documents=[report, *_told(alert, standing, team, of, fact)], now=now)
    # Neither the log's reader nor anybody who looks for the call finds what kind of fact it is.
    acts = [Act(by, "record", "fact", [fact.pk]), *_made(offers)]
    record_all(acts, now=now)


def show(fact: Fact, *, team: UUID | None, by: Actor, now: datetime) -> None:
    """What was said further of a report, to those who have the report. `team`: as in `tell`."""
    team = orphan_team(fact) or team
    assert team is not None, "a desk tells it of a unit's call, and a tablet has a team"
    to = private_scopes(fact, team)
    publish(documents=[Document("facts", fact.pk, to, documents.private_body(fact))], now=now)
    record_all([Act(by, "record", "fact", [fact.pk])], now=now)


def after_a_death(record: Record, *, now: datetime) -> None:
    """The call was closed as one on which somebody died: nobody has to say it twice. Those who were
    on the unit when it was closed are owed an offer, and the supervisors are told of it, unless a
    report was there before."""
    row = record.assignment
    team = row.unit.team_id
    if team is None:
        return
    closed = record.timeline.times.get("closed")
    at = (closed and closed.at) or now
    crew = CrewMember.objects.filter(unit=row.unit, since__lte=at).exclude(until__lte=at)
    people = [member.user for member in crew.in_order_of_alarm().select_related("user")]
    standing = _standing(row.unit, team, now)
    offers = _owe(people or [None], [_DEATH], team=team, on=row.pk, few=bool(standing), now=now)
    if not offers and standing is None:
        return
    alert = _alert(row.pk, None, row.unit, now)
    publish(documents=_told(alert, standing, team, record, None), now=now)
    act = Act(SYSTEM, "alarm", "alert", [(standing or alert).pk])
    record_all([act, *_made(offers)], now=now)


def alert_again(alert: Alert) -> list[Document]:
    """The document of such an alert, after it was answered, for those who had it before."""
    facts = Fact.objects.select_related("author", "unit")
    calls = Assignment.objects.select_related("incident", "unit", "given_by")
    about = facts.filter(pk=alert.fact_id).first() if alert.fact_id else None
    call = calls.filter(pk=alert.assignment_id).first() if alert.assignment_id else None
    told = Member.objects.filter(collection="alerts", doc_id=alert.pk)
    to = frozenset(told.values_list("scope", flat=True))
    return [_document(alert, to, look_at(call) if call else None, about)]


def _alert(call: UUID | None, fact: UUID | None, unit: Unit | None, now: datetime) -> Alert:
    return Alert(
        kind=AlertKind.HARM, assignment_id=call, fact_id=fact, unit=unit, raised_at=now, level=2
    )


def _standing(unit: Unit | None, team: UUID, now: datetime) -> Alert | None:
    """The alert that a further report is counted into, its row locked; None where one more may be
    raised: too few of the unit's wait for an answer."""
    theirs = Member.objects.filter(
        collection="alerts", doc_id=OuterRef("pk"), scope=scopes.team(team)
    )
    rows = Alert.objects.open().filter(
        Exists(theirs), kind=AlertKind.HARM, unit=unit, raised_at__gt=now - _SO_LONG
    )
    found = list(rows.select_for_update(no_key=True).order_by("-raised_at", "-pk")[:MOST_ALERTS])
    return found[0] if len(found) == MOST_ALERTS else None


def _told(
    alert: Alert, standing: Alert | None, team: UUID, of: Record | None, about: Fact | None
) -> list[Document]:
    """Stores the alert, or counts what it tells into the one that stands; its document."""
    if standing is None:
        Alert.objects.bulk_create([alert])
        return [_document(alert, _to(team), of, about)]
    before = (standing.counted or {}).get("reports", 1)
    standing.counted = {"reports": before + 1}
    standing.save(update_fields=["counted"])
    return alert_again(standing)


def _to(team: UUID) -> frozenset[str]:
    """The supervisors alone."""
    return frozenset({scopes.team(team)})


def _document(alert: Alert, to: frozenset[str], of: Record | None, about: Fact | None) -> Document:
    return Document("alerts", alert.pk, to, documents.alert_body(alert, of, about))


def _kinds(data: Mapping[str, Any]) -> list[str]:
    """What happened, as far as it can be understood: one odd word does not cost the others."""
    said = data.get("kinds")
    words = said if isinstance(said, list) else []
    return sorted({one for one in words if isinstance(one, str) and one in HARMS})


def _affected(data: Mapping[str, Any], team: UUID) -> list[User | None]:
    """The colleagues that a report names. Whoever is not of the team is not found."""
    said = data.get("affected")
    named = [uuid_of(one) for one in said] if isinstance(said, list) else []
    ids = [id for id in named if id is not None]
    return list(User.objects.filter(pk__in=ids, team=team, is_active=True).order_by("pk"))


def _owe(
    people: Iterable[User | None],
    kinds: Iterable[str],
    *,
    team: UUID,
    on: UUID | None,
    few: bool,
    now: datetime,
) -> list[SupportOffer]:
    """Makes the offers that are owed; those that are new, or say more than before.

    Two reports of one call, and a death that follows from its end, are one offer to each person:
    all of them hold the call's row. What was offered and closed before is not offered again.
    `few`: whoever is owed one of any call already is owed no further one.
    """
    found = []
    for person in people:
        known = list(SupportOffer.objects.to(person, on=on)) if on else []
        if few and not known:
            known = list(SupportOffer.objects.due_to(person, team=team)[:1])
        said = {kind for offer in known for kind in offer.kinds}
        fresh = sorted(set(kinds) - said)
        if known and not fresh:
            continue
        offer = next((one for one in known if one.closed_at is None), None)
        if offer is None:
            offer = SupportOffer(
                team_id=team, user=person, assignment_id=on, raised_at=now, kinds=fresh
            )
            SupportOffer.objects.bulk_create([offer])
        else:
            offer.kinds = sorted({*offer.kinds, *fresh})
            offer.save(update_fields=["kinds"])
        found.append(offer)
    return found


def _made(offers: Iterable[SupportOffer]) -> list[Act]:
    return [Act(SYSTEM, "owe", "support_offer", [offer.pk]) for offer in offers]
