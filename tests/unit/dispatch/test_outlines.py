"""Outlines of beats out of GeoJSON."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apps.dispatch.outlines import NotOutlines, parse

SQUARE = [[-122.34, 47.60], [-122.33, 47.60], [-122.33, 47.61], [-122.34, 47.61], [-122.34, 47.60]]


def collection(*features: dict[str, Any]) -> bytes:
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def feature(code: Any = "k1", **geometry: Any) -> dict[str, Any]:
    shape = {"type": "Polygon", "coordinates": [SQUARE], **geometry}
    return {"type": "Feature", "properties": {"beat": code}, "geometry": shape}


def test_an_area_is_its_outer_line() -> None:
    (found,) = parse(collection(feature()), code_field="beat")
    assert found.code == "K1"
    assert sorted(found.rings[0][:-1]) == sorted(SQUARE[:-1])


def test_points_that_no_map_shows_are_left_out() -> None:
    straight = [[-122.34 + step / 10_000, 47.60] for step in range(100)]
    (found,) = parse(collection(feature(coordinates=[[*straight, *SQUARE[1:]]])), code_field="beat")
    assert len(found.rings[0]) == len(SQUARE)


def test_an_area_in_parts_has_a_line_for_each() -> None:
    far = [[x + 0.1, y] for x, y in SQUARE]
    both = feature(type="MultiPolygon", coordinates=[[SQUARE], [far]])
    (found,) = parse(collection(both), code_field="beat")
    assert len(found.rings) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "no GeoJSON"),
        (b"[]", "no GeoJSON"),
        (collection(), "1 to"),
        (collection(feature(), feature("K1")), "two features"),
        (collection({"properties": {}, "geometry": None}), "no area, or no beat"),
        (collection(feature(7)), "1 to 10 signs"),
        (collection(feature("")), "1 to 10 signs"),
        (collection(feature(type="Point", coordinates=[1, 2])), "no polygon"),
        (collection(feature(type="Polygon", coordinates=[])), "no polygon"),
        (collection(feature(coordinates=[[[0, 0], [1e6, 0], [1e6, 1e6], [0, 0]]])), "degrees"),
    ],
)
def test_what_is_no_map_of_beats_is_told(content: bytes, said: str) -> None:
    with pytest.raises(NotOutlines, match=said):
        parse(content, code_field="beat")
