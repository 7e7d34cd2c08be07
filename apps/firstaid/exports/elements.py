"""Elements of a NEMSIS document: values, and the marks for a value that is not there.

NEMSIS leaves nothing blank: a mandatory element without a value is nil and says why, by a Not
Value (NV); what was not done carries a Pertinent Negative (PN).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

NOT_APPLICABLE: Final = "7701001"
NOT_RECORDED: Final = "7701003"

# XML 1.0 has no place for these, not even escaped. Somebody's keyboard or radio makes them.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# commonTypes_v3.xsd, DateTimeType.
_YEARS: Final = range(1950, 2050)

Value = str | int | Decimal | datetime


class Group:
    """An element that holds others. Each call adds one, in the order of the schema."""

    __slots__ = ("_element",)

    def __init__(self, element: Element) -> None:
        self._element = element

    @classmethod
    def of(cls, name: str, **attributes: str) -> Group:
        """One that stands in nothing yet."""
        return cls(Element(name, attributes))

    def group(self, name: str) -> Group:
        return Group(SubElement(self._element, name))

    def put(
        self,
        name: str,
        value: Value | None,
        *,
        absent: str = NOT_RECORDED,
        negative: str = "",
        **attributes: str,
    ) -> None:
        """A mandatory element: its value, else nil with the Not Value `absent`.

        With `negative` it says that this was not done or found, and why.
        """
        text = written(value)
        if negative:
            attributes["PN"] = negative
        elif text is None:
            attributes["NV"] = absent
        if text is None:
            attributes = {"xsi:nil": "true", **attributes}
        SubElement(self._element, name, attributes).text = text

    def put_coded(self, name: str, code: str) -> None:
        """A mandatory element whose code may itself be a Not Value."""
        if code in (NOT_APPLICABLE, NOT_RECORDED):
            self.put(name, None, absent=code)
        else:
            self.put(name, code)

    def put_known(self, name: str, value: Value | None) -> None:
        """An optional element: left out where there is no value."""
        if (text := written(value)) is not None:
            SubElement(self._element, name).text = text

    def put_each(self, name: str, values: Iterable[str], *, absent: str = NOT_RECORDED) -> None:
        """A mandatory element that may stand several times."""
        found: list[str | None] = [*dict.fromkeys(values)]
        for value in found or [None]:
            self.put(name, value, absent=absent)

    def put_absent(self, names: Iterable[str], why: str) -> None:
        """Mandatory elements of which nothing is ever known here."""
        for name in names:
            self.put(name, None, absent=why)

    def as_bytes(self, level: int) -> bytes:
        """As UTF-8, indented as deep as it stands in the document. Its attributes may use the
        prefix `xsi`, which the document's root binds."""
        margin = "  "
        indent(self._element, margin, level)
        text: str = tostring(self._element, encoding="unicode")
        return f"{margin * level}{text}\n".encode()


def written(value: Value | None) -> str | None:
    """A value as text; None for one that is not there, is empty, or that the schema cannot hold."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") if value.year in _YEARS else None
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() else None
    return clean(str(value)) or None


def clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return _IMPOSSIBLE.sub("\ufffd", text).strip()


def fitting(text: str, least: int, most: int) -> str | None:
    """An identifier, where the schema has room for it: half of one would name something else."""
    text = clean(text)
    return text if least <= len(text) <= most else None


def within(value: Decimal | None, least: int, most: int, digits: int = 0) -> Decimal | None:
    """A measure, rounded, where it lies between both."""
    if value is None or not value.is_finite() or not least <= value <= most:
        return None
    return round(value, digits)
