from __future__ import annotations

from uuid import UUID

import pytest

from apps.changes import scopes
from apps.changes.services import Document

ID = UUID(int=7)


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (scopes.agency(), "agency"),
        (scopes.EVERYONE_SCOPE, "everyone"),
        (scopes.team(ID), f"team:{ID}"),
        (scopes.unit(ID), f"unit:{ID}"),
        (scopes.responder(ID), f"responder:{ID}"),
        (scopes.assignment(ID), f"assignment:{ID}"),
    ],
)
def test_each_scope_has_its_name(scope: str, name: str) -> None:
    assert scope == name
    assert scopes.checked(scope) == scope


@pytest.mark.parametrize(
    "scope", ["", "Agency", "unit:", "unit:12", f"unit:{ID},agency", f"unit: {ID}", f"{ID}"]
)
def test_a_misspelt_scope_is_refused_before_it_hides_a_document(scope: str) -> None:
    with pytest.raises(ValueError, match="A scope is"):
        Document("calls", ID, frozenset({scope}))
