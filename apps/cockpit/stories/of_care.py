"""Doses, first aid, and what the crew answered to the log's questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.cockpit.stories import said
from apps.cockpit.stories.moments import Kind, Moment, Record
from apps.cockpit.stories.rows import Rows
from apps.firstaid import codes
from apps.firstaid.aid import Aid, aid_of
from apps.firstaid.doses import Answer, Dose, answer_of, chains, dose_of
from apps.firstaid.handover import aid_in_words, answer_in_words, dose_in_words
from apps.firstaid.models import FieldAct

Act = Dose | Aid | Answer


def moments(rows: Rows) -> Iterator[Moment]:
    """Each act once, as it stands with its corrections; what was taken back stays and says so."""
    for acts, row, what, told in _acts(rows):
        act = acts[-1]
        if rows.only_of is None or act.encounter_id in rows.only_of:
            yield _moment(act, row, what, told, corrections=len(acts) - 1)


_Told = tuple[Sequence[Act], FieldAct, str, Mapping[str, Any]]


def _acts(rows: Rows) -> Iterator[_Told]:
    """Each act with the rows that it became one by one, its own, its name, and what it tells."""
    given = {row.pk: row for row in rows.doses}
    for doses in chains([dose_of(row) for row in rows.doses]):
        what = "Dose not given" if doses[-1].withheld else "Dose given"
        yield doses, given[doses[-1].id], what, dose_in_words(doses[-1])
    done = {row.pk: row for row in rows.aid}
    for aids in chains([aid_of(row) for row in rows.aid]):
        yield aids, done[aids[-1].id], "First aid", aid_in_words(aids[-1])
    for row in rows.answers:
        answer = answer_of(row)
        label = codes.QUESTIONS.get(answer.question, said.words(answer.question))
        told = answer_in_words(answer)
        yield [answer], row, label, {name: told[name] for name in told if name != "question"}


def _moment(
    act: Act, row: FieldAct, what: str, told: Mapping[str, Any], *, corrections: int
) -> Moment:
    back = " (taken back)" if not isinstance(act, Answer) and act.withdrawn else ""
    author = row.author.display_name if row.author else ""
    return Moment(
        at=act.at or row.received_at,
        told_at=row.received_at,
        kind=Kind.CARE,
        what=what + back,
        record=Record.of(row),
        of=row.assignment_id,
        who=", ".join(filter(None, (author, row.unit.call_sign if row.unit else ""))),
        source=row.get_source_display(),
        lines=said.lines({name: one for name, one in told.items() if name != "at" and one}),
        flags=tuple(_flags(act, row, corrections)),
    )


def _flags(act: Act, row: FieldAct, corrections: int) -> Iterator[str]:
    yield from (codes.FLAGS.get(code, said.words(code)) for code in row.flags)
    if act.at is None:
        yield "when is not known: it stands where it was told"
    if corrections:
        yield "corrected once" if corrections == 1 else f"corrected {corrections} times"
