"""What a sender may say of its own data."""

from __future__ import annotations

import pytest

from apps.dispatch import plain
from apps.dispatch.quality import is_doubt


@pytest.mark.parametrize(
    "text",
    [
        "time missing: arrived",
        "times out of order: before queued",
        "times out of order: co_response",
        "not readable: /queued",
        "withheld or unknown in the file: beat",
        "ambiguous local time: care_dispatched",
        "rows of one event differ",
    ],
)
def test_words_of_the_vocabulary_become_flags(text: str) -> None:
    assert is_doubt(text)
    assert text in plain.parse({"cad_number": "1", "doubts": [text]}).flags


@pytest.mark.parametrize("text", ["JOHN DOE", "time missing: john doe", "time missing", ""])
def test_other_words_do_not(text: str) -> None:
    assert not is_doubt(text)
    assert text not in plain.parse({"cad_number": "1", "doubts": [text]}).flags
