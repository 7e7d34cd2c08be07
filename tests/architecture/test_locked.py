"""The requirements are locked, and the check of that notices when they are not."""

from __future__ import annotations

import shutil

import pytest

from tests.architecture.locked import REQUIREMENTS, problems


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(REQUIREMENTS, tmp_path / "requirements")


def test_requirements_are_locked():
    assert list(problems()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("base.in", "django>=5.2", "django>=6.1", "base.txt: django"),
        ("base.in", "segno>=1.6", "unheard-of>=1.6", "unheard-of is not locked"),
        ("dev.in", "# style and format", "", "ruff has no reason"),
        ("base.txt", "--hash=sha256:", "--no-hash=", "has no hash"),
        ("base.txt", "\nsegno==", "\nsegno==9", "it was not tested"),
    ],
)
def test_what_is_out_of_order_is_named(copy, file, old, new, complaint):
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    assert any(complaint in problem for problem in problems(copy))
