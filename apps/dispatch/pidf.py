"""PIDF-LO (RFC 4119, 5139, 5491), the XML in which an EIDO tells a location."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_LENGTH = 200_000
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_STREET = ("HNO", "HNS", "PRM", "PRD", "RD", "STS", "POD", "POM")
_INSIDE = (("BLD", "building"), ("FLR", "floor"), ("UNIT", "unit"), ("ROOM", "room"))
_METRES = {"urn:ogc:def:uom:EPSG::9001": 1.0, "urn:ogc:def:uom:EPSG::9002": 0.3048}
_RADII = ("radius", "semiMajorAxis", "outerRadius")
_EARTH_M = 6_371_000.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Place:
    """What a PIDF-LO says. Degrees WGS 84, metres; texts are empty where nothing is said."""

    lat: float | None = None
    lon: float | None = None
    uncertainty_m: float | None = None
    method: str = ""
    address: str = ""
    place_name: str = ""
    place_type: str = ""
    flags: tuple[str, ...] = ()


def parse(xml: str) -> Place | None:
    """The place, or None where the text is no PIDF-LO that can be read.

    Point, Circle, Ellipse, ArcBand and Polygon are reduced to a centre with the greatest distance
    from it. Entities, document types and anything external are refused, never resolved.
    """
    if len(xml) > MAX_LENGTH:
        return None
    try:
        root = fromstring(_DECLARATION.sub("", xml).strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return None
    civic = _first(root, "civicAddress")
    flags: list[str] = []
    lat, lon, uncertainty = _centre(root, flags)
    if civic is None and lat is None:
        return None
    parts = {} if civic is None else {_name(e): (e.text or "").strip() for e in civic.iter()}
    return Place(
        lat=lat,
        lon=lon,
        uncertainty_m=uncertainty,
        method=_text(root, "method"),
        address=civic_line(parts),
        place_name=parts.get("NAM") or parts.get("LMK") or "",
        place_type=(parts.get("PLC") or "").lower(),
        flags=tuple(flags),
    )


def civic_line(parts: dict[str, str]) -> str:
    """A civic address (RFC 4776 element names) on one line."""
    street = " ".join(parts[key] for key in _STREET if parts.get(key))
    if parts.get("RDSEC"):
        street = f"{street} / {parts['RDSEC']}".strip(" /")
    inside = [f"{word} {parts[key]}" for key, word in _INSIDE if parts.get(key)]
    town = " ".join(parts[key] for key in ("A1", "PC") if parts.get(key))
    found = [street, *inside, parts.get("LOC", ""), parts.get("A3", ""), town]
    return ", ".join(part for part in found if part)


def coordinates(lat: float, lon: float) -> tuple[float, float, str] | None:
    """A position in degrees and a flag, or None where it lies nowhere on Earth.

    Some senders give longitude first; where only that reading is possible, it is taken.
    """
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return None
    if -90 <= lat <= 90 and -180 <= lon <= 180:
        return lat, lon, ""
    if -90 <= lon <= 90 and -180 <= lat <= 180:
        return lon, lat, "latitude and longitude exchanged"
    return None


def _centre(root: Element, flags: list[str]) -> tuple[float | None, float | None, float | None]:
    """Centre and uncertainty of the first shape."""
    points = [
        point
        for element in root.iter()
        if _name(element) in ("pos", "posList", "coordinates")
        for point in _points(element)
    ]
    if not points:
        return None, None, None
    # A ring repeats its first point; the centre must not lean towards it.
    ring = points[:-1] if len(points) > 1 and points[0] == points[-1] else points
    lat = sum(point[0] for point in ring) / len(ring)
    lon = sum(point[1] for point in ring) / len(ring)
    known = coordinates(lat, lon)
    if known is None:
        flags.append("coordinates out of range")
        return None, None, None
    if known[2]:
        flags.append(known[2])
    if len(points) == 1:
        return known[0], known[1], _radius(root)
    return known[0], known[1], max(distance_m(lat, lon, *point) for point in ring)


def _points(element: Element) -> list[tuple[float, float]]:
    numbers = [_number(word) for word in (element.text or "").replace(",", " ").split()]
    values = [number for number in numbers if number is not None]
    if _name(element) == "posList":
        width = 3 if element.get("srsDimension") == "3" else 2
        return [(values[i], values[i + 1]) for i in range(0, len(values) - width + 1, width)]
    return [(values[0], values[1])] if len(values) >= 2 else []


def _radius(root: Element) -> float | None:
    for element in root.iter():
        if _name(element) in _RADII:
            metres = _number((element.text or "").strip())
            if metres is not None and metres >= 0:
                return metres * _METRES.get(element.get("uom", ""), 1.0)
    return None


def _number(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres between two near points."""
    east = math.radians(lon2 - lon1) * math.cos(math.radians((lat1 + lat2) / 2))
    return math.hypot(math.radians(lat2 - lat1), east) * _EARTH_M


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _first(root: Element, name: str) -> Element | None:
    return next((element for element in root.iter() if _name(element) == name), None)


def _text(root: Element, name: str) -> str:
    element = _first(root, name)
    return "" if element is None else (element.text or "").strip()
