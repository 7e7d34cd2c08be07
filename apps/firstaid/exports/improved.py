"""The report "naloxone given, response improved".

It is the second half of NEMSIS's case definition of an opioid overdose (OpioidOverdose,
2025-05-27), which CDC-style counts use: naloxone (RxNorm 7242, 203192, 197117) with the response
"improved" (9916001). The first half, diagnoses by ICD-10, CARE does not make.

It is a proxy. "Improved" is what a crew or a bystander noted of the person's breathing, minutes
after a dose: it proves neither that an opioid was the cause nor that anybody survived, and whoever
walked away before somebody looked counts as no answer. It measures no crew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from apps.firstaid import codes
from apps.firstaid.exports.care import Care

NAME: Final = "Naloxone given, response improved (a proxy for opioid overdoses)"


@dataclass(slots=True)
class Improved:
    """Counts of encounters, and of the doses in them.

    `encounters`: all that were looked at; `with_naloxone`: somebody got naloxone, from anybody;
    `improved`: the case definition holds. Of the doses, `doses_without_response` are those of
    which nobody noted one: where they are many, the figure says little.
    """

    encounters: int = 0
    with_naloxone: int = 0
    improved: int = 0
    doses: int = 0
    doses_improved: int = 0
    doses_without_response: int = 0

    def add(self, care: Care) -> None:
        """Counts one encounter."""
        given = care.naloxone
        improved = sum(dose.response == codes.IMPROVED for dose in given)
        self.encounters += 1
        self.with_naloxone += bool(given)
        self.improved += bool(improved)
        self.doses += len(given)
        self.doses_improved += improved
        self.doses_without_response += sum(not dose.response for dose in given)

    def as_json(self) -> dict[str, Any]:
        """The counts with the definition that they are of."""
        return {
            "name": NAME,
            "definition": {"rxnorm": sorted(codes.NALOXONES), "response": codes.IMPROVED},
            **asdict(self),
        }


def counted(cares: Iterable[Care]) -> Improved:
    """The report of these encounters."""
    found = Improved()
    for care in cares:
        found.add(care)
    return found
