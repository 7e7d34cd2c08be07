"""The Columbia screener for the risk of suicide: its questions, their order, and what they say.

Source: Columbia-Suicide Severity Rating Scale (C-SSRS), Screen Version, with triage points;
Posner, Brent, Lucas, Gould, Stanley, Brown, Fisher, Zelazny, Burke, Oquendo, Mann; (c) 2008 The
Research Foundation for Mental Hygiene, Inc.; The Columbia Lighthouse Project, cssrs.columbia.edu.
It is free to use in the field; its wording must not be changed, and this notice stays with it.
The words below were taken from reproductions of the form that agree: compare them with the form
itself before use.

As published: questions 1 and 2 are always asked; 3, 4 and 5 where the answer to 2 is yes, otherwise
it goes on with 6; 6 asks about the whole life, and where the answer is yes, about the past three
months. A yes to 4 or 5, or behavior in the past three months, is high risk (red); a yes to 3, or
behavior longer ago, moderate (orange); a yes to 1 or 2, low (yellow). Answers are never added up:
the gravest one counts.

Our own, because the form has only yes and no: "refused" and "unable" are answers, and what is blank
was not answered. None of the three is a no. `whole` holds for every question that is asked and has
no answer of its own: somebody who will not speak of it refuses once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from apps.casenotes import codes
from apps.casenotes.content.shapes import Code, Part, Text, blank

SOURCE: Final = (
    "Columbia-Suicide Severity Rating Scale (C-SSRS), Screen Version. "
    "(c) 2008 The Research Foundation for Mental Hygiene, Inc.; "
    "The Columbia Lighthouse Project, cssrs.columbia.edu"
)

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One question in its published words. `period`: the time that it asks about. `points_to`: the
    risk that a yes points to. `after`: it is asked where the answer to that one is yes."""

    title: str
    words: str
    period: str
    points_to: str
    after: str | None = None


QUESTIONS: Final[Mapping[str, Question]] = MappingProxyType(
    {
        "q1": Question(
            "Wish to be dead",
            "Have you wished you were dead or wished you could go to sleep and not wake up?",
            "past month",
            "low",
        ),
        "q2": Question(
            "Suicidal thoughts",
            "Have you actually had any thoughts of killing yourself?",
            "past month",
            "low",
        ),
        "q3": Question(
            "Suicidal thoughts with method",
            "Have you been thinking about how you might do this?",
            "past month",
            "moderate",
            after="q2",
        ),
        "q4": Question(
            "Suicidal intent",
            "Have you had these thoughts and had some intention of acting on them?",
            "past month",
            "high",
            after="q2",
        ),
        "q5": Question(
            "Suicide intent with specific plan",
            "Have you started to work out or worked out the details of how to kill yourself? "
            "Do you intend to carry out this plan?",
            "past month",
            "high",
            after="q2",
        ),
        "q6": Question(
            "Suicide behavior",
            "Have you ever done anything, started to do anything, or prepared to do anything "
            "to end your life?",
            "lifetime",
            "moderate",
        ),
        "q6_recent": Question(
            "Suicide behavior, recent",
            "Was this within the past 3 months?",
            "past 3 months",
            "high",
            after="q6",
        ),
    }
)

LEVELS: Final = ("low", "moderate", "high")
# As on the form with triage points.
COLORS: Final[Mapping[str, str]] = MappingProxyType(
    {"low": "yellow", "moderate": "orange", "high": "red"}
)

SCREEN: Final = Part(
    {
        **{name: Code(codes.YES_NO, "note_answers", one.words) for name, one in QUESTIONS.items()},
        "whole": Code(
            {code: codes.YES_NO[code] for code in codes.NOT_ANSWERED},
            "note_answers",
            "refused or unable, for every question without an answer of its own",
        ),
        "act_not_done": Text("why what the protocol asks for at high risk was not done"),
    },
    "C-SSRS screener, as published. Show the next question of those that are asked",
)


def answer(answers: Answers, name: str) -> str | None:
    """yes, no, refused or unable; None where the question is blank, or holds no code of these."""
    own, whole = answers.get(name), answers.get("whole")
    if isinstance(own, str) and own in codes.YES_NO:
        return own
    return whole if whole in codes.NOT_ANSWERED else None  # nobody says yes or no to all at once


def asked(answers: Answers) -> tuple[str, ...]:
    """The questions that are asked after these answers, in their order."""
    return tuple(
        name
        for name, one in QUESTIONS.items()
        if one.after is None or answer(answers, one.after) == "yes"
    )


def begun(answers: object) -> bool:
    """Whether anything of the screen was answered."""
    if not isinstance(answers, Mapping):
        return not blank(answers)
    return any(not blank(answers.get(name)) for name in (*QUESTIONS, "whole"))


def unanswered(answers: Answers) -> tuple[str, ...]:
    """The questions that are asked and blank."""
    return tuple(name for name in asked(answers) if answer(answers, name) is None)


def risk(answers: Answers) -> str:
    """The risk as a code of `codes.RISKS`.

    high, moderate and low are the least that the answers establish: a yes counts wherever it
    stands, and whatever else is blank. Without any yes: incomplete while a question is blank;
    not_determined where one was refused or could not be asked; none only where every question that
    is asked has a no.
    """
    told = {one.points_to for name, one in QUESTIONS.items() if answer(answers, name) == "yes"}
    for level in reversed(LEVELS):
        if level in told:
            return level
    if unanswered(answers):
        return "incomplete"
    if any(answer(answers, name) != "no" for name in asked(answers)):
        return "not_determined"
    return "none"


def may_be_higher(answers: Answers) -> bool:
    """Whether a question without a yes or no could raise the risk that the answers establish."""
    established = risk(answers)
    reached = LEVELS.index(established) if established in LEVELS else -1
    return any(
        LEVELS.index(QUESTIONS[name].points_to) > reached
        for name in asked(answers)
        if answer(answers, name) not in {"yes", "no"}
    )


def contradicts(answers: Answers) -> bool:
    """Whether a question has a yes that would not have been asked: a slip, or two versions that
    were put together. The yes counts all the same."""
    return any(answer(answers, name) == "yes" for name in QUESTIONS.keys() - set(asked(answers)))


def question_items() -> list[dict[str, Any]]:
    """The questions as tablets get them, in their order, in the published words."""
    return [
        {
            "code": name,
            "label": one.title,
            "words": one.words,
            "period": one.period,
            "points_to": one.points_to,
            "after": one.after,
        }
        for name, one in QUESTIONS.items()
    ]
