"""Pictures to send, and files that only look like some."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, PngImagePlugin

SEATTLE = {1: "N", 2: (47.0, 36.0, 0.0), 3: "W", 4: (122.0, 19.0, 0.0)}


def image(width: int = 96, height: int = 64, seed: int = 1) -> Image.Image:
    """Red at the left, blue at the right, and no two seeds alike."""
    made = Image.new("RGB", (width, height), (200, 20, 20))
    made.paste((20, 20, 200), (width // 2, 0, width, height))
    made.paste((seed * 37 % 256, seed * 91 % 256, 77), (0, 0, 16, 16))
    return made


def jpeg(seed: int = 1, *, orientation: int = 1, size: tuple[int, int] = (96, 64)) -> bytes:
    """As a phone takes it: with the place, the device, a comment and packets of other metadata."""
    exif = Image.Exif()
    exif[0x0110] = "Responder's own phone"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update(SEATTLE)
    written = io.BytesIO()
    image(*size, seed=seed).save(
        written,
        "JPEG",
        quality=95,
        exif=exif,
        comment=b"kitchen of the caller",
        xmp=b"<x:xmpmeta>GPSLatitude 47,36N</x:xmpmeta>",
    )
    return written.getvalue()


def signature(seed: int = 1) -> bytes:
    """A PNG with transparency, as a signature pad draws it, with words beside the picture."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "signed by the caller")
    made = Image.new("RGBA", (80, 30), (0, 0, 0, 0))
    made.paste((0, 0, 0, 255), (10, 10, 20 + seed % 50, 14))
    written = io.BytesIO()
    made.save(written, "PNG", pnginfo=text)
    return written.getvalue()


def webp() -> bytes:
    written = io.BytesIO()
    image().save(written, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    return written.getvalue()


def gif() -> bytes:
    written = io.BytesIO()
    image().save(written, "GIF")
    return written.getvalue()


def large(length: int = 200_000) -> bytes:
    """A JPEG of so many bytes: a phone puts its film behind the picture."""
    return (jpeg() + b"\0film" * length)[:length]


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def png_of(width: int, height: int, packed: bytes, *, extra: bytes = b"") -> bytes:
    """A PNG that says of itself what it likes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [_chunk(b"IHDR", head), extra, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bomb() -> bytes:
    """A few kilobytes that unpack to far more than a picture of its size has."""
    return png_of(64, 64, zlib.compress(bytes(50_000_000), 9))


def words_bomb() -> bytes:
    """Harmless pixels, and a word of a gigabyte beside them."""
    packer = zlib.compressobj(9)
    word = packer.compress(bytes(200_000_000)) + packer.flush()
    extra = _chunk(b"zTXt", b"Comment\0\0" + word)
    return png_of(2, 2, zlib.compress(bytes(14)), extra=extra)


def vast() -> bytes:
    """It says that it has 3.6 thousand million pixels."""
    return png_of(60_000, 60_000, zlib.compress(bytes(1000)))


def _chunk(name: bytes, data: bytes) -> bytes:
    sum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", sum)
