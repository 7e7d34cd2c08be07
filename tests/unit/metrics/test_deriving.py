from __future__ import annotations

import pytest

from apps.metrics.deriving import record_of


@pytest.mark.parametrize(
    ("kinds", "kind"),
    [
        ([], ""),
        (["automatic"], "automatic"),
        (["minimal", "full"], "full"),
        (["full", ""], ""),  # the second one met is owed
    ],
)
def test_a_dispatch_has_a_record_once_each_of_its_encounters_has(
    kinds: list[str], kind: str
) -> None:
    assert record_of(kinds) == kind
