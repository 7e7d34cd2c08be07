"""What a tablet dropped is in none of its files, wherever its row had been moved to before."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from apps.simulator.tablet.database import Database, forget


@pytest.mark.parametrize("seed", range(8))
def test_no_page_of_the_file_has_what_was_dropped(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    database = Database(tmp_path / "tablet.sqlite")
    typed: dict[str, str] = {}

    def text(word: str, most: int) -> bytes:
        return f"{word}{'z' * dice.randrange(most)}".encode()

    for number in range(400):
        key, word = f"{dice.randrange(10**9):09}", f"w{number}y"
        with database._transaction():
            if typed and dice.random() < 0.5:
                key = dice.choice(list(typed))
                database._db.execute("delete from document where id = ?", [key])
                del typed[key]
            if dice.random() < 0.75:
                typed[key] = word
                row = [key, text(word, 2500), text(word, 900)]
                insert = (
                    "insert into document (collection, id, body, served) values ('facts', ?, ?, ?)"
                )
                database._db.execute(insert, row)
    assert forget(database._db)
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert set(re.findall(r"w\d+y", files.decode(errors="replace"))) == set(typed.values())
    database.close()
