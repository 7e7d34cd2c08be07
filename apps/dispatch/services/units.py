"""Units: ours, and those of other agencies that CAD names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from apps.audit.services import Actor, record
from apps.changes.services import EVERYONE_SCOPE, Document, publish
from apps.core.problems import CONFLICT, FieldError, ProblemError
from apps.dispatch.calls import UnitOnCall
from apps.dispatch.desk import unit_documents
from apps.dispatch.models import Agency, CrewMember, IncidentStatus, IncidentUnit, Unit
from apps.dispatch.normalise import CRISIS_UNIT, service_of
from apps.dispatch.referencekinds import REFERENCE

_SIGN = 40
_EIDO = 120


@transaction.atomic
def save_unit(*, unit: Unit, by: Actor, now: datetime) -> Unit:
    """Creates or changes a unit, and tells every tablet and desk of a CARE unit.

    A unit changes its team when nobody is on it and it is on no open incident: who sees a call
    follows from the team that its unit had when it was put on it.
    """
    created = unit._state.adding
    check_team(unit=unit)
    unit.call_sign = unit.call_sign.strip().upper()
    unit.eido_id = unit.eido_id.strip().lower()
    unit.save()
    if unit.agency == Agency.CARE:
        publish(documents=[unit_document(unit), *unit_documents([unit.pk])], now=now)
    record(
        actor=by,
        action="create" if created else "update",
        subject_type="unit",
        subject_ids=[unit.pk],
        now=now,
    )
    return unit


def check_team(*, unit: Unit) -> None:
    """ProblemError where the unit may not change to its team just now."""
    stored = Unit.objects.filter(pk=unit.pk).exclude(team=unit.team_id).first()
    if stored is None:
        return
    busy = IncidentUnit.objects.filter(
        unit=unit, detached_at=None, incident__status=IncidentStatus.ACTIVE
    )
    if busy.exists() or CrewMember.objects.on_duty().filter(unit=unit).exists():
        error = FieldError("/team", "Change it when nobody is on the unit and it has no open call.")
        raise ProblemError(CONFLICT, errors=[error])


def unit_document(unit: Unit) -> Document:
    """What tablets know of a CARE unit (collection `reference`, kind `unit`)."""
    body = {
        "id": str(unit.pk),
        "kind": "unit",
        "call_sign": unit.call_sign,
        "agency": unit.agency,
        "team_id": str(unit.team_id) if unit.team_id else None,
        "in_service": unit.in_service,
    }
    return Document(REFERENCE, unit.pk, frozenset({EVERYONE_SCOPE}), body)


def resolve(told: Sequence[UnitOnCall]) -> list[tuple[UnitOnCall, Unit]]:
    """The units that a message names, as rows. Unknown ones become units of their agency.

    A unit is known by its EIDO id, else by agency and call sign; a call sign of ours is ours even
    where the message does not say whose unit it is. One query where all are known.
    """
    named = [one for one in told if _sign(one)]
    if not named:
        return []
    known = _Known(named)
    named = [one if known.match(one) else _as_its_agency(one) for one in named]
    missing: dict[tuple[str, str], Unit] = {}
    for one in named:
        if known.match(one) is None:
            unit = Unit(call_sign=_sign(one), agency=one.service, eido_id=_eido(one))
            missing.setdefault((unit.agency, unit.call_sign), unit)
    if missing:
        # Another message may create the same unit just now: its row is taken then. In one order:
        # of two with the same units each would wait for what the other one has put in.
        Unit.objects.bulk_create([missing[key] for key in sorted(missing)], ignore_conflicts=True)
        known = _Known(named)
    matched = [(one, known.match(one)) for one in named]
    return [(one, unit) for one, unit in matched if unit is not None]


class _Known:
    """Units that may be meant, and all of ours, by their names. A few hundred rows are read for it:
    no index is needed."""

    def __init__(self, told: Iterable[UnitOnCall]) -> None:
        signs = {_sign(one) for one in told}
        ids = {_eido(one) for one in told} - {""}
        rows = Unit.objects.alias(sign=Upper("call_sign"), eido=Lower("eido_id")).filter(
            Q(agency=Agency.CARE) | Q(sign__in=signs) | Q(eido__in=ids)
        )
        self._by_id: dict[str, Unit] = {}
        self._ours: dict[str, Unit] = {}
        self._by_sign: dict[tuple[str, str], Unit] = {}
        for unit in rows:
            self._by_id.setdefault(unit.eido_id.lower(), unit)
            self._by_sign.setdefault((unit.agency, unit.call_sign.upper()), unit)
            if unit.agency == Agency.CARE:
                self._ours.setdefault(_bare(unit.call_sign), unit)

    def match(self, told: UnitOnCall) -> Unit | None:
        """CARE-21 and CARE21 are one unit of ours; signs of other agencies are theirs to spell."""
        eido, sign = _eido(told), _sign(told)
        found = self._by_id.get(eido) if eido else None
        if found is None and told.service in ("care", "other"):
            found = self._ours.get(_bare(sign))
        return found or self._by_sign.get((told.service, sign))


def _as_its_agency(told: UnitOnCall) -> UnitOnCall:
    """A crisis intervention unit that is none of ours is its agency's: police have such units too.
    Taken for ours, it would be given the call, and nobody would ever acknowledge it."""
    if told.service != "care" or told.resource_type != CRISIS_UNIT:
        return told
    theirs = service_of(told.agency_id, call_sign=_sign(told))
    return replace(told, service=theirs) if theirs in ("spd", "sfd") else told


def _bare(sign: str) -> str:
    return "".join(letter for letter in sign.upper() if letter.isalnum())


def _sign(told: UnitOnCall) -> str:
    return (told.call_sign or told.eido_id.partition("@")[0]).strip().upper()[:_SIGN]


def _eido(told: UnitOnCall) -> str:
    return told.eido_id.strip().lower()[:_EIDO]
