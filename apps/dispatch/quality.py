"""What a sender may say of the quality of its own data, beside the data.

A fixed vocabulary: free words could be about a person, and flags are stored as they are, in plain.
"""

from __future__ import annotations

import re

_WHAT = (
    "ambiguous local time",
    "non-existent local time",
    "not readable",
    "time is a placeholder",
    "time missing",
    "times out of order",
    "withheld or unknown in the file",
)
_WHERE = (
    *("arrived", "queued", "dispatched", "on_scene", "in_service", "before queued", "unit"),
    *("beat", "sector", "precinct", "lat", "lon", "latitude", "call_sign"),
    r"(?:care|co_response|spd)(?:_(?:dispatched|on_scene|in_service))?",
)
_WHOLE = ("rows of one event differ", "unit times without a call sign")
_DOUBT = re.compile(rf"(?:{'|'.join(_WHAT)}): /?(?:{'|'.join(_WHERE)})|{'|'.join(_WHOLE)}")


def is_doubt(text: str) -> bool:
    """Whether a flag is of the vocabulary: it names no value of the message."""
    return _DOUBT.fullmatch(text) is not None
