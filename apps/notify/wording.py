"""What a message says: how many of what are due, and where to look. Nothing about anybody. Pure.

Telephones show a message to whoever stands beside them, and mailboxes are read by many.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.conf import settings

from apps.notify.models import Topic

# Of one, and of several.
_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        Topic.FOLLOW_UP: ("1 follow-up is due.", "{count} follow-ups are due."),
        Topic.NOTE: ("1 note is to be signed.", "{count} notes are to be signed."),
        Topic.REPORT: (
            "1 report that the law asks for is due.",
            "{count} reports that the law asks for are due.",
        ),
        Topic.CERTIFICATE: ("1 certificate runs out.", "{count} certificates run out."),
        Topic.QUESTION: (
            "A supervisor asks why you opened a record.",
            "A supervisor asks why you opened {count} records.",
        ),
    }
)


def sentence(counts: Mapping[str, int]) -> str:
    """How many of each topic are due.

    >>> sentence({"follow_up": 2})
    '2 follow-ups are due.'
    """
    words = (_WORDS[topic][count > 1].format(count=count) for topic, count in counts.items())
    return " ".join(words)


def subject(counts: Mapping[str, int]) -> str:
    """A mail's subject."""
    return sentence(counts).rstrip(".")


def text(counts: Mapping[str, int]) -> str:
    """The whole message: the sentence and where to look."""
    return f"{sentence(counts)}\n{settings.PUBLIC_URL}"
