"""The operator's commands: a new file for its owner alone, whole or not at all."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.audit.models import ActorKind, Entry
from apps.firstaid import codes
from apps.firstaid.exports import nemsis
from tests.integration.assignments.conftest import World
from tests.integration.firstaid.exports.conftest import dose, encounter_of, over

DAY = ("--from", "2026-03-04", "--to", "2026-03-05")


def test_a_file_is_its_owners_and_is_never_written_over(world: World, tmp_path: Path) -> None:
    row = over(world)
    path, said = tmp_path / "march.xml", io.StringIO()
    call_command("export_nemsis", *DAY, "--output", str(path), stderr=said)
    assert str(encounter_of(row).pk) in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said.getvalue() == "1 exported.\n"
    entry = Entry.objects.get(action="export")
    assert (entry.actor_kind, entry.subject_ids) == (ActorKind.SYSTEM, [encounter_of(row).pk])
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_nemsis", *DAY, "--output", str(path))


def test_what_was_left_out_is_said(world: World, tmp_path: Path) -> None:
    over(world)
    world.tap("contact_made", world.given())
    said = io.StringIO()
    call_command("export_nemsis", *DAY, "--output", str(tmp_path / "x"), stderr=said)
    assert said.getvalue() == "1 exported; 1 left out: open.\n"


def test_half_a_file_does_not_stay(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> bytes:
        raise OSError("the disk is full")

    over(world)
    monkeypatch.setattr(nemsis, "tail", fails)
    with pytest.raises(OSError, match="disk"):
        call_command("export_nemsis", *DAY, "--output", str(tmp_path / "march.xml"))
    assert list(tmp_path.iterdir()) == []


def test_of_nothing_no_file_is_made(world: World, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing was written"):
        call_command("export_nemsis", *DAY, "--output", str(tmp_path / "march.xml"))
    assert list(tmp_path.iterdir()) == []


def test_standard_output_takes_bytes(
    world: World, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    dose(over(world))
    call_command("export_odmap", *DAY)
    lines = capfdbinary.readouterr().out.split(b"\r\n")
    assert lines[0].startswith(b"event_id,")
    assert b"Single dose" in lines[1]


def test_a_day_is_the_citys(world: World, tmp_path: Path) -> None:
    """Noon in Seattle is in the evening of UTC's day."""
    over(world)
    before = ("--from", "2026-03-03", "--to", "2026-03-04T12:00")
    with pytest.raises(CommandError, match="nothing was written"):
        call_command("export_nemsis", *before, "--output", str(tmp_path / "march.xml"))


def test_the_report_is_printed(world: World) -> None:
    dose(over(world), response=codes.IMPROVED)
    said = io.StringIO()
    call_command("naloxone_report", *DAY, stdout=said)
    assert json.loads(said.getvalue())["improved"] == 1


def test_a_period_that_is_none_is_refused(world: World) -> None:
    with pytest.raises(CommandError, match="not after"):
        call_command("export_odmap", "--from", "2026-03-05", "--to", "2026-03-04")
    with pytest.raises(CommandError, match="invalid moment"):
        call_command("export_odmap", "--from", "soon", "--to", "2026-03-04")
