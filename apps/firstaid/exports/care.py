"""One encounter as the exports need it: plain values, read by `records`, written by the formats.

Times are aware, with the offset in which they are to be written. A code that a format does not
know is not written. Nothing here prints what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from apps.firstaid.aid import Aid
from apps.firstaid.doses import Dose


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Patient:
    """Who was met, without a name. `age` in years, `sex` as ePatient.25."""

    id: UUID
    age: int | None = None
    sex: str = ""
    homeless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Response:
    """The assignment.

    `call_type`: eDispatch.01. `called_at`: when 911 took the call, None where responders started
    it. `times`: milestone of the timeline -> when, those alone that can be used. `closing` is
    the timeline's; so is `disposition` (APCO 1.111.2-2018), else the signed note's, else empty.
    """

    id: UUID
    unit: str
    entry_kind: str
    notified_at: datetime
    back_in_service_at: datetime
    cad_number: str = ""
    call_type: str = ""
    called_at: datetime | None = None
    times: Mapping[str, datetime] = field(default_factory=dict)
    closing: str = ""
    disposition: str = ""
    police_on_scene: bool = False
    fire_on_scene: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Care:
    """One encounter with its call and with what was given and done.

    `report_id`: a UUID of a version that NEMSIS allows (1 to 5), the same at every export.
    `contact`: a person was met. `place`: latitude and longitude of the incident, degrees WGS 84.
    `barriers` are eHistory.01, `mental_status` eExam.19. `fatal`: the person died. `medics_came`:
    another service may have counted it. `narrative`: None where it is not to be told.
    """

    id: UUID
    report_id: UUID
    response: Response
    contact: bool
    patient: Patient | None = None
    doses: tuple[Dose, ...] = ()
    aids: tuple[Aid, ...] = ()
    barriers: tuple[str, ...] = ()
    mental_status: tuple[str, ...] = ()
    fatal: bool = False
    place: tuple[float, float] | None = None
    medics_came: bool = False
    narrative: str | None = None

    @property
    def naloxone(self) -> tuple[Dose, ...]:
        """The doses of naloxone that somebody got."""
        return tuple(one for one in self.doses if one.gave_naloxone)
