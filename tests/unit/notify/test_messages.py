"""What a message says, when it is tried again, and what is shown of an address."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings

from apps.notify import addresses, retries, wording
from apps.notify.models import Topic


def test_it_says_how_many_and_where_and_nothing_else(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://care.example.org"
    assert wording.text({Topic.FOLLOW_UP: 2}) == "2 follow-ups are due.\nhttps://care.example.org"
    assert wording.text({Topic.FOLLOW_UP: 1}).startswith("1 follow-up is due.\n")
    assert wording.subject({Topic.FOLLOW_UP: 1}) == "1 follow-up is due"


def test_every_topic_has_words() -> None:
    assert [wording.sentence({topic: 3}) for topic in Topic]


def test_it_is_tried_ever_more_rarely_and_then_given_up() -> None:
    waits = [retries.retry_after(tries) for tries in range(1, retries.MOST_TRIES + 1)]
    *before, last = waits
    assert last is None
    assert before == sorted(before, key=lambda one: one or timedelta.max)
    assert sum((one for one in before if one), timedelta()) > timedelta(hours=8)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("kim@care.example.org", "k...@c...org"),
        ("+12065550199", "...99"),
        ("https://push.example.org/send/abcdef", "...ef"),
    ],
)
def test_an_address_is_shown_to_whoever_knows_it(address: str, shown: str) -> None:
    assert addresses.masked(address) == shown
