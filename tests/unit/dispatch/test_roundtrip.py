"""A call is the same after a journey over either wire; our EIDOs fit the official schema."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from apps.dispatch import calldata, eido, eidobuild, plain, reference
from apps.dispatch.calls import (
    ANSWERS,
    CAUTION_KINDS,
    EXCLUSIONS,
    LINK_KINDS,
    MERGE_KINDS,
    SEVERITIES,
    AlternateValue,
    Call,
    Caution,
    ExclusionHint,
    Location,
    Note,
    Relation,
    UnitOnCall,
    UnitStatus,
)
from tests.data import shared_data

WORDS = st.text(alphabet="ABC xyz0123<>&'\"éß-/", min_size=1, max_size=20).map(
    lambda text: " ".join(text.split()) or "X"
)
NAMES = st.text(alphabet="abcdef0123456789", min_size=1, max_size=10)
START = datetime(2020, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 10**8).map(lambda seconds: START + timedelta(seconds=seconds))
DOMAINS = st.sampled_from(["care.seattle.wa.us", "spd.seattle.wa.us", "psap.x.us"])
STATUSES = st.sampled_from(
    [code for code, status in reference.unit_statuses().items() if status.rank == "secondary"]
)


@st.composite
def locations(draw: st.DrawFn) -> Location:
    known = draw(st.booleans())
    return Location(
        kind=draw(st.sampled_from(["CurrentIncident", "InitialIncident"])),
        lat=draw(st.floats(-90, 90)) if known else None,
        lon=draw(st.floats(-180, 180)) if known else None,
        uncertainty_m=draw(st.none() | st.floats(0, 10_000)) if known else None,
        method="GPS" if known else "",
        address=draw(WORDS),
        place_name=draw(st.just("") | WORDS),
        place_type=draw(st.sampled_from(["", "street", "residence"])),
        description=draw(st.just("") | WORDS),
        url=draw(st.sampled_from(["", "https://lis.example/1"])),
        at=draw(TIMES),
    )


@st.composite
def units(draw: st.DrawFn) -> UnitOnCall:
    name, domain, at = draw(NAMES), draw(DOMAINS), draw(TIMES)
    service = {"care": "care", "spd": "spd", "psap": "other"}[domain.split(".", maxsplit=1)[0]]
    return UnitOnCall(
        eido_id=f"{name}@{domain}",
        call_sign=f"U{name}".upper(),
        agency_id=domain,
        service=service,  # type: ignore[arg-type]
        resource_type="CommSupportTeam",
        attributes=tuple(draw(st.lists(NAMES, max_size=2, unique=True))),
        primary_status=draw(st.sampled_from(["Available", "NotAvailable"])),
        statuses=tuple(
            UnitStatus(status=status, at=at)
            for status in draw(st.lists(STATUSES, max_size=3, unique=True))
        ),
        status_text=draw(st.just("") | NAMES),
        eta=draw(st.none() | TIMES),
        active=draw(st.booleans()),
    )


@st.composite
def relations(draw: st.DrawFn, kinds: tuple[Any, ...]) -> Relation:
    number, domain = draw(NAMES), draw(DOMAINS)
    return Relation(
        kind=draw(st.sampled_from(kinds)),
        cad_number=number,
        incident_id=f"urn:emergency:uid:incidentid:{number}:{domain}",
        agency_id=domain,
        reason=draw(st.just("") | WORDS),
    )


@st.composite
def calls(draw: st.DrawFn) -> Call:
    number, domain = draw(NAMES), draw(DOMAINS)
    final = draw(st.sampled_from(["", "CRISIS COMPLAINT - GENERAL"]))
    beat = draw(st.sampled_from(["", "K3", "O1"]))
    location = draw(st.none() | locations())
    return Call(
        cad_number=number,
        wire="eido",
        agency_id=domain,
        incident_id=f"urn:emergency:uid:incidentid:{number}:{domain}",
        received_at=draw(TIMES),
        updated_at=draw(TIMES),
        initial_call_type=draw(st.sampled_from(["SERVICE - WELFARE CHECK", "NEW TYPE"])),
        final_call_type=final,
        common_type=draw(st.sampled_from(["WELFARE", "MNTL"])),
        priority_text=draw(st.sampled_from(["", "2", "9"])),
        priority=draw(st.integers(0, 10)),
        how_received=draw(st.sampled_from(["911", "ONVIEW"])),
        statuses=draw(st.sampled_from([(), ("Active",), ("Closed",), ("Cancelled",)])),
        dispositions=draw(st.sampled_from([(), ("15",), ("01", "16")])),
        clearance=draw(st.just("") | WORDS),
        address=location.address if location else "",
        location=location,
        premise=draw(WORDS),
        premise_type=draw(st.sampled_from(["office", "residence"])),
        beat=beat,
        sector=beat[:1],
        precinct=reference.beats()[beat].precinct if beat else "",
        narrative=tuple(
            draw(st.lists(st.builds(Note, at=TIMES, text=WORDS, author=NAMES), max_size=3))
        ),
        cautions=tuple(
            draw(
                st.lists(
                    st.builds(
                        Caution,
                        severity=st.sampled_from(SEVERITIES),
                        kind=st.sampled_from(CAUTION_KINDS),
                        text=WORDS,
                        source=NAMES,
                        since=TIMES,
                    ),
                    max_size=3,
                )
            )
        ),
        units=tuple(draw(st.lists(units(), max_size=3, unique_by=lambda unit: unit.eido_id))),
        links=tuple(draw(st.lists(relations(LINK_KINDS), max_size=2))),
        merges=tuple(draw(st.lists(relations(MERGE_KINDS), max_size=2))),
        requested_by=draw(st.sampled_from(["", "spd", "sfd"])),
        exclusions=tuple(
            ExclusionHint(name=name, answer=answer)
            for name in EXCLUSIONS
            if (answer := draw(st.sampled_from([None, *ANSWERS])))
        ),
        alternates=tuple(
            draw(
                st.lists(
                    st.builds(
                        AlternateValue,
                        component=NAMES,
                        element=NAMES,
                        value=WORDS,
                        constituent=NAMES,
                        at=TIMES,
                    ),
                    max_size=2,
                )
            )
        ),
    )


def told(call: Call) -> Call:
    """A call without what a reading adds to it: flags, and what the event is by its statuses."""
    return replace(call, flags=(), event="report", wire="eido")


@settings(max_examples=60, deadline=None)
@given(calls())
def test_a_call_survives_plain_json(call: Call) -> None:
    once = plain.parse(plain.build(call))
    assert plain.parse(plain.build(once)) == once
    ordered = replace(call, cautions=once.cautions, narrative=once.narrative)
    assert told(once) == told(ordered)
    assert sorted(n.text for n in once.narrative) == sorted(n.text for n in call.narrative)
    assert sorted(c.text for c in once.cautions) == sorted(c.text for c in call.cautions)


@settings(max_examples=60, deadline=None)
@given(calls())
def test_a_call_survives_an_eido(call: Call) -> None:
    once = eido.parse(eidobuild.build(call))
    assert eido.parse(eidobuild.build(once)) == once
    # The kind of a caution has no member of its own in EIDO: it is told by its common type.
    assert told(replace(once, cautions=(), narrative=())) == told(
        replace(call, cautions=(), narrative=())
    )
    assert {(n.at, n.text, n.author) for n in once.narrative} == {
        (n.at, n.text, n.author) for n in call.narrative
    }
    texts = {(c.severity, c.text, c.source, c.since) for c in once.cautions}
    assert {(c.severity, c.text, c.source, c.since) for c in call.cautions} <= texts


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    text = shared_data("eido", "eido_openapi.yaml").read_text(encoding="utf-8")
    # A comma after the number makes it a text in the official file.
    text = text.replace("minItems: 1,", "minItems: 1")
    schemas = yaml.load(text, yaml.CSafeLoader)["components"]["schemas"]
    return Draft202012Validator(
        {"$defs": _local(schemas), "$ref": "#/$defs/EmergencyIncidentDataObjectType"}
    )


def _local(value: Any) -> Any:
    """References within the file; those to files that are not at hand say nothing."""
    if isinstance(value, list):
        return [_local(item) for item in value]
    if not isinstance(value, dict):
        return value
    target = value.get("$ref")
    if isinstance(target, str):
        inside = target.startswith("#/components/schemas/")
        return {"$ref": "#/$defs/" + target.rpartition("/")[2]} if inside else {}
    return {key: _local(item) for key, item in value.items()}


def test_the_official_sample_fits_the_official_schema(validator: Draft202012Validator) -> None:
    sample = orjson.loads(shared_data("eido", "sample_call_transfer_eido.json").read_bytes())
    assert [error.message for error in validator.iter_errors(sample)] == []
    del sample["agencyComponent"]
    assert any(validator.iter_errors(sample)), "the schema must be able to say no"


def test_every_real_row_survives_both_wires(validator: Draft202012Validator) -> None:
    path = shared_data("cad", "seattle_cad_calls_full_columns.csv")
    real = calldata.calls(calldata.read(path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(real) == 497
    for call in real:
        told = replace(call, agency_id="spd.seattle.gov", updated_at=call.updated_at or START)
        by_plain = plain.parse(plain.build(told))
        document = eidobuild.build(told)
        by_eido = eido.parse(document)
        assert not list(validator.iter_errors(document))
        for name in ("cad_number", "event", "received_at", "priority", "beat"):
            values = {getattr(one, name) for one in (told, by_plain, by_eido)}
            assert len(values) == 1, (call.cad_number, name)
        # EIDO requires a standard type.
        assert by_plain.common_type == told.common_type
        assert by_eido.common_type == (told.common_type or "TROUBLE")
        assert set(call.flags) <= set(by_plain.flags)


@settings(max_examples=30, deadline=None)
@given(call=calls())
def test_our_eidos_fit_the_official_schema(validator: Draft202012Validator, call: Call) -> None:
    errors = [error.message for error in validator.iter_errors(eidobuild.build(call))]
    assert errors == []


def test_the_example_of_the_plain_wire_is_read_without_a_flag() -> None:
    call = plain.parse(plain.EXAMPLE)
    assert call.flags == ()
    assert call.extras == ()
    again = eido.parse(eidobuild.build(call))
    assert again.flags == ()
    assert [unit.call_sign for unit in again.units] == ["CARE21"]
