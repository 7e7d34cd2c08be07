"""The environment is read in one place and fails loudly, naming the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import env


@pytest.mark.parametrize(
    ("value", "reader"),
    [
        ("maybe", lambda: env.flag("X", default=False)),
        ("ten", lambda: env.number("X", 1)),
        ("0", lambda: env.number("X", 1, least=1)),
        ("1.5", lambda: env.whole("X", 1)),
        ("blue", lambda: env.choice("X", None, ("red", "green"))),
        ("nan", lambda: env.number("X", 1)),
        ("inf", lambda: env.whole("X", 1)),
        ("Seattle", lambda: env.zone("X")),
        ("../etc/passwd", lambda: env.zone("X")),
        ("24:00", lambda: env.wall_time("X", "12:00")),
        ("12:00:30", lambda: env.wall_time("X", "12:00")),
        ("12:00Z", lambda: env.wall_time("X", "12:00")),
        ("America", lambda: env.zone("X")),
        ("http://h", lambda: env.redis("X")),
        ("redis://:secret/word@h:6379", lambda: env.redis("X")),
        ("mysql://h/d", lambda: env.database("X")),
        ("postgresql://me:secret#word@h:5432/d", lambda: env.database("X")),
        ("postgresql://me:secret[word@h:5432/d", lambda: env.database("X")),
        ("novalue", lambda: env.keys("X")),
        ("toolong:AAAA", lambda: env.keys("X")),
        ("k1:c2VjcmV0", lambda: env.keys("X")),
        ("secret", lambda: env.key("X")),
    ],
)
def test_a_bad_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, value: str, reader: object
) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(env.Misconfigured, match="X") as raised:
        reader()  # type: ignore[operator]
    assert "secret" not in str(raised.value)
    assert "c2VjcmV0" not in str(raised.value)


def test_a_missing_secret_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("X", raising=False)
    with pytest.raises(env.Misconfigured, match="X is not set"):
        env.text("X")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("X_FILE", str(tmp_path / "secret"))
    assert env.text("X") == "from the file"
    monkeypatch.setenv("X_FILE", str(tmp_path / "nothing"))
    with pytest.raises(env.Misconfigured, match="X_FILE"):
        env.text("X")


def test_a_database_address_is_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "postgresql://me:p%40ss@db.example:6543/care?sslmode=require")
    found = env.database("X")
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "me", "p@ss", "db.example", "6543", "care",
    )  # fmt: skip
    assert found["OPTIONS"] == {"sslmode": "require"}
