from __future__ import annotations

import json

import pytest

from apps.changes.reading import Row
from apps.core.ids import uuid7
from apps.sync import wire

ID = uuid7()


def test_a_document_is_spliced_in_as_it_is_stored() -> None:
    plain = b'{"id":"%s","text":"a } in \\"quotes\\"","n":[1,{"x":{}}]}' % str(ID).encode()
    sent = json.loads(wire.document(Row(1, ID, True, 7, plain)))
    assert sent == {**json.loads(plain), "rev": 7, "_deleted": False}


def test_a_tombstone_names_the_document_and_nothing_else() -> None:
    assert json.loads(wire.document(Row(1, ID, False))) == {"id": str(ID), "_deleted": True}


@pytest.mark.parametrize("plain", [None, b"", b"{}", b"[]", b'"text"', b'{"cut off'])
def test_what_cannot_be_read_is_a_flagged_stub(plain: bytes | None) -> None:
    assert json.loads(wire.document(Row(1, ID, True, 2, plain))) == {
        "id": str(ID),
        "rev": 2,
        "sync_status": "unreadable",
        "_deleted": False,
    }
