"""Outlines of beats out of GeoJSON (RFC 7946), with as few points as a map of a city needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
import shapely
from shapely.geometry import MultiPolygon, Polygon, shape

# About 20 m in Seattle's latitude: a line of a map is thicker.
TOLERANCE_DEGREES: Final = 0.0002
_MOST_FEATURES: Final = 1000

Ring = list[list[float]]


class NotOutlines(Exception):
    """The text says what is wrong with the file."""


@dataclass(frozen=True)
class Outline:
    """A beat by its code. `rings` are lists of [longitude, latitude] in degrees (WGS 84)."""

    code: str
    rings: list[Ring]


def parse(content: bytes, *, code_field: str) -> list[Outline]:
    """The areas of a FeatureCollection, each under the code in `code_field` of its properties.
    Raises NotOutlines."""
    try:
        document = orjson.loads(content)
        features = document["features"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotOutlines("This is no GeoJSON FeatureCollection.") from None
    if not isinstance(features, list) or not 0 < len(features) <= _MOST_FEATURES:
        raise NotOutlines(f"There have to be 1 to {_MOST_FEATURES} features.")
    found = [_outline(feature, number, code_field) for number, feature in enumerate(features, 1)]
    if len({one.code for one in found}) < len(found):
        raise NotOutlines("A code stands at two features.")
    return found


def _outline(feature: Any, number: int, code_field: str) -> Outline:
    try:
        code = feature["properties"][code_field]
        area = shape(feature["geometry"])
    except (KeyError, TypeError, AttributeError, ValueError, shapely.errors.ShapelyError):
        raise NotOutlines(f"Feature {number} has no area, or no {code_field}.") from None
    if not isinstance(code, str) or not 0 < len(code.strip()) <= 10:
        raise NotOutlines(f"Feature {number}: its {code_field} has 1 to 10 signs.")
    if not isinstance(area, Polygon | MultiPolygon) or area.is_empty:
        raise NotOutlines(f"Feature {number} is no polygon.")
    west, south, east, north = area.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise NotOutlines(f"Feature {number} is not in degrees of longitude and latitude.")
    return Outline(code.strip().upper(), list(_rings(area)))


def _rings(area: Polygon | MultiPolygon) -> Iterator[Ring]:
    simple = area.simplify(TOLERANCE_DEGREES)
    for part in getattr(simple, "geoms", [simple]):
        yield [[round(x, 5), round(y, 5)] for x, y in part.exterior.coords]
