"""Looks into a file that came from outside, and writes its picture anew. A program of its own.

It reads the file from its standard input and writes a line of JSON, then the picture. Nothing of
the file is copied but the colours of its pixels: no location, no other metadata (EXIF, XMP,
comments, thumbnails, further pictures), no colour profile (its colours are turned into sRGB), and
nothing that was hidden before, between or behind them. The picture is turned upright first, as the
camera's mark for that goes with the rest.

Decoders of pictures are where hostile files do harm. So this runs outside the server, knows none of
its keys, and ends itself where it takes too much memory or time. It imports nothing of Carefield.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageCms, ImageOps

# What a file is, is what its decoder makes of it. SVG is a program, and HEIC needs a decoder that
# Pillow does not bring: tablets send JPEG.
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_SAVED_AS: dict[str, dict[str, int | bool]] = {
    "JPEG": {"quality": 90, "optimize": True},
    "PNG": {"compress_level": 6},
    "WEBP": {"quality": 90, "method": 3},
}
_PLAIN = frozenset({"L", "RGB", "RGBA"})
_CONVERTED = {"1": "L", "P": "RGB", "PA": "RGBA", "LA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB"}


class NotTaken(Exception):
    """Why a file is no picture for us: `kind`, `pixels`, `broken` or `bytes`."""


def rendition(data: bytes, *, most_pixels: int, most_bytes: int) -> tuple[dict[str, object], bytes]:
    """What the picture is (type, width, height), and the picture, written anew. Raises NotTaken."""
    format = format_of(data)
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and is asked before anything is decoded
    try:
        with Image.open(io.BytesIO(data), formats=[format]) as opened:
            if opened.width * opened.height > most_pixels:
                raise NotTaken("pixels")
            clean = _clean(opened, format)
        written = io.BytesIO()
        clean.save(written, format, **_SAVED_AS[format])
    except NotTaken:
        raise
    except MemoryError:
        raise NotTaken("pixels") from None
    except Exception:  # noqa: BLE001 - a decoder fails in any way it likes
        raise NotTaken("broken") from None
    if written.tell() > most_bytes:
        raise NotTaken("bytes")
    about = {"type": FORMATS[format], "width": clean.width, "height": clean.height}
    return about, written.getvalue()


def format_of(data: bytes) -> str:
    """JPEG, PNG or WEBP, by the first bytes. Raises NotTaken("kind")."""
    for signature, format in _SIGNATURES.items():
        if data.startswith(signature):
            return format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise NotTaken("kind")


def _clean(opened: Image.Image, format: str) -> Image.Image:
    """The pixels alone: upright, in sRGB, in a mode that the format can be written in."""
    opened.load()
    profile = opened.info.get("icc_profile")
    upright = ImageOps.exif_transpose(opened)
    if upright.mode in {"P", "1", "L", "RGB"} and "transparency" in upright.info:
        upright = upright.convert("RGBA")
    image = _in_srgb(upright, profile)
    if image.mode not in _PLAIN:
        if image.mode not in _CONVERTED:
            raise NotTaken("kind")
        image = image.convert(_CONVERTED[image.mode])
    if format == "JPEG" and image.mode == "RGBA":
        image = image.convert("RGB")
    image = image.copy()
    image.info = {}  # some writers would carry a comment or a profile over from here
    return image


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Its colours as every screen takes them. A profile that cannot be read is left out."""
    if not isinstance(profile, bytes) or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    mode = image.mode if image.mode in {"L", "RGBA"} else "RGB"
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        if mode != "L":
            turned = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode=mode,
            )
            return turned or image
    return image


def _confine(most_memory: int, most_seconds: int) -> None:
    """Ends to this process. A system that has no such limit goes without it."""
    for what, most in (
        (resource.RLIMIT_AS, most_memory),
        (resource.RLIMIT_CPU, most_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def main(arguments: list[str], source: BinaryIO, target: BinaryIO) -> None:
    """The program. Its arguments: most pixels, most bytes, most memory in bytes, most seconds."""
    most_pixels, most_bytes, most_memory, most_seconds = (int(one) for one in arguments)
    _confine(most_memory, most_seconds)
    warnings.simplefilter("ignore")
    about: dict[str, object]
    try:
        about, picture = rendition(source.read(), most_pixels=most_pixels, most_bytes=most_bytes)
    except NotTaken as refused:
        about, picture = {"refused": str(refused)}, b""
    except MemoryError:
        about, picture = {"refused": "pixels"}, b""
    target.write(json.dumps(about).encode() + b"\n" + picture)
    target.flush()


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdin.buffer, sys.stdout.buffer)
