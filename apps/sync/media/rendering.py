"""Has a file looked into by `picture`, in a process of its own: one at a time in this server."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.core.problems import BUSY, TOO_LARGE, ProblemError
from apps.sync.problems import BROKEN_PICTURE, NOT_A_PICTURE

# By its place, not by import: the server itself has no use for the decoders.
_PROGRAM = str(Path(__file__).resolve().with_name("picture.py"))
# A picture of the largest size in four bytes a pixel, three times over, and the interpreter.
_MEMORY_A_PIXEL = 12
_MEMORY = 512 * 1024 * 1024
_SECONDS = 30
_PATIENCE_SECONDS = 10
_TURN = threading.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Rendition:
    """A picture without anything but its pixels: what is kept and served."""

    type: str
    width: int
    height: int
    data: bytes


def render(data: bytes) -> Rendition:
    """The picture that a file holds, written anew.

    ProblemError says what is wrong with the file: NOT_A_PICTURE, BROKEN_PICTURE, TOO_LARGE; or
    BUSY where others are being looked into.
    """
    if not _TURN.acquire(timeout=_PATIENCE_SECONDS):
        raise _busy()
    try:
        return _understood(_run(data))
    except OSError:  # this machine starts no process just now
        raise _busy() from None
    finally:
        _TURN.release()


def _busy() -> ProblemError:
    return ProblemError(BUSY, headers={"Retry-After": str(random.randint(2, 6))})  # noqa: S311


def _run(data: bytes) -> bytes | None:
    """What the program wrote; None where it did not come to its end."""
    pixels = settings.MEDIA_LARGEST_PIXELS
    limits = (pixels, 2 * settings.MEDIA_LARGEST_BYTES, _MEMORY + _MEMORY_A_PIXEL * pixels)
    try:
        # -I: neither the folder nor the environment of this process has a say in what it imports.
        done = subprocess.run(
            [sys.executable, "-I", _PROGRAM, *map(str, limits), str(_SECONDS)],
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": os.defpath},
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _understood(answer: bytes | None) -> Rendition:
    about, _, data = (answer or b"").partition(b"\n")
    try:
        told = json.loads(about)
        refused = told.get("refused")
    except ValueError:
        refused = "broken"
    match refused:
        case None:
            return Rendition(told["type"], told["width"], told["height"], data)
        case "kind":
            raise ProblemError(NOT_A_PICTURE)
        case "pixels":
            most = settings.MEDIA_LARGEST_PIXELS // 1_000_000
            raise ProblemError(TOO_LARGE, f"A picture has at most {most} million pixels.")
        case "bytes":
            raise ProblemError(TOO_LARGE, "Written anew, the picture is too large.")
        case _:
            raise ProblemError(BROKEN_PICTURE)
