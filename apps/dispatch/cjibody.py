"""Criminal history out of the body of a message that cannot be read as a call.

The same rules as for a call, at the same grain. What is JSON is looked through member by member; of
anything else each passage between quotation marks or ends of sentences, so that a message with one
comma too many keeps its numbers, and can be mended and replayed. What is no text at all in UTF-8 or
UTF-16 is read byte by byte: what is legible in it goes too.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, Final

from apps.dispatch import reference
from apps.dispatch.calls import Malformed
from apps.dispatch.cji import BREAK, Scrubber, found, scrub_between, stand_in
from apps.dispatch.cji_patterns import KEY
from apps.dispatch.hazards import mentions
from apps.dispatch.html import to_text
from apps.dispatch.messages import decoded

# Members that name a call, a unit, an agency or another part of the message. As in a call that is
# read, a word there is no history of a person: without it nobody could replay the message.
_NAMES: Final = frozenset(
    {"cad_number", "agency_id", "incident_id", "unit_id", "call_sign", "$id", "$ref"}
    | {"internalIncidentId", "incidentTrackingId"}
)
# Ends of the names of members that hold a call type: known ones are no history of a person.
_TYPES: Final = ("call_type", "calltype", "incidenttypeinternaltext")
_WORD: Final = re.compile(r"\S{1,120}")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Escapes of JSON would hide where a word begins. These signs stand for them meanwhile.
_ESCAPES: Final = {r"\n": "\x1e", r"\r": "\x1d", r"\t": "\x1f"}
_ESCAPED_LETTER: Final = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
_PASSAGE: Final = re.compile(rf'{BREAK.pattern}|["\x1d-\x1f]')
_KEY: Final = re.compile(r'"([^"]{1,100})"\s*:\s*')
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],]|[^\s"{}\[\],]+', re.DOTALL)


def scrub_body(body: bytes) -> tuple[bytes, int]:
    """The body without criminal history, and how many passages were withheld. One that holds none
    is returned as it came."""
    try:
        by = _Body()
        clean = by.json(decoded(body))
        text, withheld = json.dumps(clean, ensure_ascii=False), by.withheld
        encoding = "utf-8"
    except (Malformed, RecursionError):
        text, encoding = _legible(body)
        text, withheld = _passages(text)
    return (text.encode(encoding, "replace"), withheld) if withheld else (body, 0)


class _Body(Scrubber):
    """Scrubs a whole document, of which nothing has been read."""

    def json(self, value: Any, key: str = "") -> Any:
        if isinstance(value, str) and (
            (key in _NAMES and _WORD.fullmatch(value))
            or (key.lower().endswith(_TYPES) and reference.call_type(value))
        ):
            return value
        return super().json(value, key)

    def text(self, text: str, *, clauses: bool = False) -> str:
        """A text, also one in HTML: a word may have a tag in its middle."""
        shown = to_text(text)
        return super().text(shown if found(shown) else text, clauses=clauses)


def _legible(body: bytes) -> tuple[str, str]:
    """The body as text, and how that is kept. In Latin-1 each byte is a sign, and comes back."""
    if body.startswith(_UTF16):
        return body.decode("utf-16", "replace"), "utf-8"
    if body.count(0) > len(body) // 4:
        order = "utf-16-be" if body[:1] == b"\0" else "utf-16-le"
        return body.decode(order, "replace"), "utf-8"
    try:
        return body.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1"


def _passages(text: str) -> tuple[str, int]:
    """A text that is no JSON, without criminal history, and how many passages were withheld."""
    text = _ESCAPED_LETTER.sub(lambda match: chr(int(match[1], 16)), text)
    text, members = _without_members(text)
    for escape, sign in _ESCAPES.items():
        text = text.replace(escape, sign)
    result = scrub_between(_PASSAGE, text)
    text = result.text
    for escape, sign in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text, members + result.withheld


def _without_members(text: str) -> tuple[str, int]:
    """The text without what stands under a key of criminal history, whatever it says."""
    parts, done, withheld = [], 0, 0
    for key in _KEY.finditer(text):
        if key.start() < done or not KEY.search(key[1]):
            continue
        end = _end_of_value(text, key.end())
        parts += [text[done : key.end()], f'"{stand_in(mentions(text[key.end() : end]))}"']
        done, withheld = end, withheld + 1
    return "".join([*parts, text[done:]]), withheld


def _end_of_value(text: str, start: int) -> int:
    """Where a member's value ends: an object or list that nobody closed, with the text."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        sign = token[0]
        if depth == 0 and sign in ",}]":
            return token.start()
        depth += (sign in "{[") - (sign in "}]")
        if depth == 0:
            return token.end()
    return len(text)
