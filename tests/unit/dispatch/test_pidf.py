from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dispatch import pidf

GML = 'xmlns:gml="http://www.opengis.net/gml"'
GS = 'xmlns:gs="http://www.opengis.net/pidflo/1.0"'
EPSG = 'srsName="urn:ogc:def:crs:EPSG::4326"'
METRE = 'uom="urn:ogc:def:uom:EPSG::9001"'
CIVIC = 'xmlns="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"'
BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'


def wrapped(*inside: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf"'
        ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"><tuple><status><gp:geopriv>'
        f"<gp:location-info>{''.join(inside)}</gp:location-info>"
        "<gp:method>GPS</gp:method></gp:geopriv></status></tuple></presence>"
    )


def read(*inside: str) -> pidf.Place:
    place = pidf.parse(wrapped(*inside))
    assert place is not None
    return place


def test_a_point() -> None:
    place = read(f"<gml:Point {GML} {EPSG}><gml:pos>47.6 -122.33</gml:pos></gml:Point>")
    assert (place.lat, place.lon, place.uncertainty_m, place.method) == (47.6, -122.33, None, "GPS")


def test_a_circle() -> None:
    place = read(
        f"<gs:Circle {GS} {GML} {EPSG}><gml:pos>47.6 -122.33</gml:pos>"
        f"<gs:radius {METRE}>45</gs:radius></gs:Circle>"
    )
    assert (place.lat, place.lon, place.uncertainty_m) == (47.6, -122.33, 45)


def test_a_polygon_becomes_its_centre_and_the_farthest_distance() -> None:
    ring = "47.60 -122.34 47.60 -122.32 47.62 -122.32 47.62 -122.34 47.60 -122.34"
    place = read(
        f"<gml:Polygon {GML} {EPSG}><gml:exterior><gml:LinearRing><gml:posList>{ring}"
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
    )
    assert place.lat == pytest.approx(47.61)
    assert place.lon == pytest.approx(-122.33)
    assert place.uncertainty_m == pytest.approx(1340, abs=20)


def test_an_arc_band_takes_its_outer_radius() -> None:
    place = read(
        f"<gs:ArcBand {GS} {GML}><gml:pos>47.6 -122.33</gml:pos><gs:innerRadius {METRE}>10"
        f"</gs:innerRadius><gs:outerRadius {METRE}>90</gs:outerRadius></gs:ArcBand>"
    )
    assert place.uncertainty_m == 90


def test_a_civic_address_with_a_kind_of_place() -> None:
    place = read(
        f"<civicAddress {CIVIC}><country>US</country><A1>WA</A1><A3>Seattle</A3><PRD>E</PRD>"
        "<RD>Pike</RD><STS>St</STS><HNO>1200</HNO><UNIT>4</UNIT><NAM>Corner Shop</NAM>"
        "<PLC>Store</PLC></civicAddress>"
    )
    assert place.address == "1200 E Pike St, unit 4, Seattle, WA"
    assert (place.place_name, place.place_type) == ("Corner Shop", "store")


def test_longitude_first_is_understood_and_flagged() -> None:
    place = read(f"<gml:Point {GML}><gml:pos>-122.33 47.6</gml:pos></gml:Point>")
    assert (place.lat, place.lon) == (47.6, -122.33)
    assert place.flags == ("latitude and longitude exchanged",)


@pytest.mark.parametrize("position", ["", "47.6", "north west", "nan nan", "inf 0"])
def test_a_position_that_is_none_is_left_out(position: str) -> None:
    place = read(
        f"<gml:Point {GML}><gml:pos>{position}</gml:pos></gml:Point>",
        f"<civicAddress {CIVIC}><RD>Pike</RD></civicAddress>",
    )
    assert (place.lat, place.lon, place.address) == (None, None, "Pike")


def test_a_position_nowhere_on_earth_is_flagged() -> None:
    place = read(
        f"<gml:Point {GML}><gml:pos>200 300</gml:pos></gml:Point>",
        f"<civicAddress {CIVIC}><RD>Pike</RD></civicAddress>",
    )
    assert place.lat is None
    assert place.flags == ("coordinates out of range",)


@pytest.mark.parametrize("xml", ["", "<", "no xml", "<a></b>", "<a/>", BOMB, OUTSIDE, "\x00"])
def test_what_is_no_location_is_refused_without_error(xml: str) -> None:
    assert pidf.parse(xml) is None


def test_a_huge_document_is_not_read() -> None:
    assert pidf.parse("<a>" + "x" * pidf.MAX_LENGTH + "</a>") is None


@given(st.text(alphabet=st.sampled_from("<>/=\"' &;!?[]abc-:0123.\n"), max_size=80))
def test_any_text_is_read_without_error(text: str) -> None:
    assert pidf.parse(text) is None or isinstance(pidf.parse(text), pidf.Place)


def test_numbers_too_large_to_add_up_are_nowhere_on_earth() -> None:
    assert pidf.parse(f"<a><posList>{'1e308 ' * 6}</posList></a>") is None
