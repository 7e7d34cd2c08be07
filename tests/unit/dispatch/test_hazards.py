from __future__ import annotations

import re
from string import ascii_letters

from apps.dispatch.hazards import small


def test_small_letters_are_all_that_would_be_found_without_regard_to_case() -> None:
    every = "".join(map(chr, range(0x110000)))
    letters = re.findall("[a-z]", every, re.IGNORECASE)
    assert set(letters) > set(ascii_letters)
    assert all(re.fullmatch(small(one), one, re.IGNORECASE) for one in letters)
    assert re.findall("[a-z]", small(every)) == [small(one) for one in letters]
    assert len(small(every)) == len(every)
