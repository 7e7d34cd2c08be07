"""Units: ours, and those of other agencies that CAD names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from apps.audit.services import Actor, record
from apps.changes.services import EVERYONE_SCOPE, Document, publish
from apps.core.problems import CONFLICT, FieldError, ProblemError
from apps.dispatch.calls import UnitOnCall
from apps.dispatch.models import Agency, CrewMember, IncidentStatus, IncidentUnit, Unit

REFERENCE = "reference"
_SIGN = 40
_EIDO = 120


@transaction.atomic
def save_unit(*, unit: Unit, by: Actor, now: datetime) -> Unit:
    """Creates or changes a unit, and tells every tablet of a CARE unit.

    A unit changes its team when nobody is on it and it is on no open incident: who sees a call
    follows from the team that its unit had when it was put on it.
    """
    created = unit._state.adding
    check_team(unit=unit)
    unit.call_sign = unit.call_sign.strip().upper()
    unit.eido_id = unit.eido_id.strip().lower()
    unit.save()
    if unit.agency == Agency.CARE:
        publish(documents=[unit_document(unit)], now=now)
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
    known = _known(named)
    missing: dict[tuple[str, str], Unit] = {}
    for one in named:
        if _match(one, known) is None:
            unit = Unit(call_sign=_sign(one), agency=one.service, eido_id=_eido(one))
            missing.setdefault((unit.agency, unit.call_sign), unit)
    if missing:
        # Another message may create the same unit just now: its row is taken then.
        Unit.objects.bulk_create(missing.values(), ignore_conflicts=True)
        known = _known(named)
    matched = [(one, _match(one, known)) for one in named]
    return [(one, unit) for one, unit in matched if unit is not None]


def _known(told: Iterable[UnitOnCall]) -> list[Unit]:
    """Units that may be meant, and all of ours. A few hundred rows: no index is needed."""
    return list(
        Unit.objects.alias(sign=Upper("call_sign"), eido=Lower("eido_id")).filter(
            Q(agency=Agency.CARE)
            | Q(sign__in={_sign(one) for one in told})
            | Q(eido__in={_eido(one) for one in told} - {""})
        )
    )


def _match(told: UnitOnCall, known: Sequence[Unit]) -> Unit | None:
    """CARE-21 and CARE21 are one unit of ours; signs of other agencies are theirs to spell."""
    eido, sign = _eido(told), _sign(told)
    by_id = next((unit for unit in known if eido and unit.eido_id.lower() == eido), None)
    if by_id is not None:
        return by_id
    if told.service in ("care", "other"):
        bare = _bare(sign)
        ours = (u for u in known if u.agency == Agency.CARE and _bare(u.call_sign) == bare)
        found = next(ours, None)
        if found is not None:
            return found
    theirs = (u for u in known if u.agency == told.service and u.call_sign.upper() == sign)
    return next(theirs, None)


def _bare(sign: str) -> str:
    return "".join(letter for letter in sign.upper() if letter.isalnum())


def _sign(told: UnitOnCall) -> str:
    return (told.call_sign or told.eido_id.partition("@")[0]).strip().upper()[:_SIGN]


def _eido(told: UnitOnCall) -> str:
    return told.eido_id.strip().lower()[:_EIDO]
