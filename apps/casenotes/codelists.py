"""The code lists of case notes, as tablets get them: kind `code_list` of `reference`.

Dispositions are the list `dispositions`, which is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apps.casenotes import codes
from apps.casenotes.content import cssrs, grave
from apps.dispatch.codelists import CodeList

_NEMSIS: Final = "NEMSIS 3.5.1"
_OWN: Final = "Carefield"


def _labels(name: str, source: str, labels: Mapping[str, str]) -> CodeList:
    items = [{"code": code, "label": label} for code, label in labels.items()]
    return CodeList(name, source, lambda: items)


LISTS: Final = (
    _labels("note_outcomes", _OWN, codes.OUTCOMES),
    _labels("note_presenting_needs", _OWN, codes.PRESENTING_NEEDS),
    _labels("note_mental_status", f"{_NEMSIS} eExam.19", codes.MENTAL_STATUS),
    _labels("note_barriers", f"{_NEMSIS} eHistory.01", codes.BARRIERS),
    _labels("note_interventions", _OWN, codes.INTERVENTIONS),
    _labels("note_supplies", _OWN, codes.SUPPLIES),
    _labels("note_retry", _OWN, codes.RETRY),
    _labels("note_answers", _OWN, codes.YES_NO),
    _labels("note_hold_decided_by", _OWN, codes.HOLD_DECIDED_BY),
    _labels("note_taken_by", _OWN, codes.TAKEN_BY),
    _labels("note_report_about", _OWN, codes.REPORT_ABOUT),
    _labels("note_reported_to", _OWN, codes.REPORTED_TO),
    _labels("note_age_basis", _OWN, codes.AGE_BASIS),
    _labels("note_guardian_contact", _OWN, codes.GUARDIAN_CONTACT),
    _labels("note_minor_consent", _OWN, codes.MINOR_CONSENT),
    _labels("note_death_pronounced_by", _OWN, codes.DEATH_PRONOUNCED_BY),
    _labels("note_notified_by", _OWN, codes.NOTIFIED_BY),
    _labels("note_refused_what", _OWN, codes.REFUSED_WHAT),
    _labels("note_witnesses", _OWN, codes.WITNESSES),
    _labels("note_suicide_risks", _OWN, codes.RISKS),
    _labels("note_flags", _OWN, codes.FLAGS),
    CodeList("note_screen", cssrs.SOURCE, cssrs.question_items),
    CodeList("note_screen_protocol", "See the citation of each", cssrs.protocol_items),
    CodeList("note_legal_intervals", "See the citation of each", grave.interval_items),
)
