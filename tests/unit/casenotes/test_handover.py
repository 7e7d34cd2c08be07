"""The handover to medics, from nothing but the documents that a tablet holds."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from apps.casenotes.handover import Section, handover, page
from apps.firstaid.handover import care
from apps.people.ids import encounter_id, record_id
from apps.sync import registry

NOW = datetime(2026, 3, 4, 22, 58, tzinfo=UTC)
CALL = UUID("01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11")
MET = encounter_id(CALL)
NOTE = str(record_id(MET, "case_note"))
PERSON = "01931f70-0000-7c3a-9a51-0d7a8f4b2c11"
SAME = "01931f70-0000-7c3a-9a51-0d7a8f4b2c22"
DOSE = "01931f80-1a2b-7c3a-9a51-0d7a8f4b2c41"
DEVICE = "01931f00-0000-7c3a-9a51-0d7a8f4b2c02"


def act(number: int, **fields: Any) -> dict[str, Any]:
    """What every act of a tablet has that no server has seen."""
    return {
        "id": f"01931f80-1a2b-7c3a-9a51-{number:012}",
        "assignment_id": str(CALL),
        "device_time": f"2026-03-04T22:{30 + number}:00.000Z",
        "counter": number,
        "editor": DEVICE,
        "edit_no": number,
        **fields,
    }


HELD: dict[str, list[dict[str, Any]]] = {
    "assignments": [
        {
            "id": str(CALL),
            "cad_number": "26000012345",
            "cautions": [
                {
                    "severity": "high",
                    "kind": "weapon",
                    "text": "Caller saw a knife.",
                    "source": "caller",
                    "since": "2026-03-04T22:20:02.000Z",
                    "origin": "from CAD number 1234, taken back",
                }
            ],
            "withheld": "text withheld, ask dispatch",
            "call_types": {"initial": "WELFARE CHECK", "final": "DOWN", "common": ""},
            "address": "3RD AVE / PIKE ST",
            "unit": {"id": DEVICE, "call_sign": "CARE21"},
            "times": {
                "on_scene": {
                    "at": "2026-03-04T22:29:40.120Z",
                    "source": "tablet",
                    "confirmed": True,
                    "flags": [],
                },
                "contact": None,
            },
        }
    ],
    "encounters": [
        {
            "id": str(MET),
            "assignment_id": str(CALL),
            "ordinal": 1,
            "person_id": SAME,
            "match": "possible",
        }
    ],
    "persons": [
        {"id": SAME, "aliases": ["Rusty"], "merged_into": PERSON},
        {
            "id": PERSON,
            "aliases": ["Red"],
            "care_plan": "not for medics",
            "safety_notes": [
                {
                    "id": "1",
                    "text": "Dog bites.",
                    "source": "R. Ortega",
                    "seen_on": "2026-01-09",
                    "expires_on": "2026-03-04",
                },
                {"id": "2", "text": "Long over.", "expires_on": "2026-03-03"},
            ],
        },
    ],
    "case_notes": [
        {
            "id": NOTE,
            "encounter_id": str(MET),
            "assignment_id": str(CALL),
            "presenting_needs": ["shelter"],
            "screen": {"q1": "no", "q2": "no", "q6": "no"},
            "narrative": "Asleep in the doorway.",
            "refusal": {
                "refused": ["medics"],
                "capacity": "yes",
                "risks_explained": "yes",
                "witness": "police",
                "witness_note": "The officer at the door.",
            },
        }
    ],
    "naloxone_doses": [
        act(1, id=DOSE, dose=4, dose_unit="mg", given_by="bystander", before_arrival=True),
        act(2, dose=4, dose_unit="mg"),
        act(3, corrects=act(2)["id"], dose=2, dose_unit="mg", order=None),
    ],
    "first_aid_logs": [act(4, vitals={"heart_rate": 88})],
    "facts": [
        act(
            5,
            kind="overdose_answer",
            question="fire_called",
            answer="called",
            called_at="2026-03-04T22:31:30.000Z",
        ),
        act(
            6,
            kind="overdose_answer",
            question="handover",
            answer="refused",
            witness="Officer at the door",
        ),
    ],
}


def told(held: dict[str, Any] | None = None) -> dict[str, Any]:
    return handover(held or HELD, MET, rooms=[care], now=NOW)


def test_what_it_is_made_of_has_the_shape_of_the_wire() -> None:
    for name, documents in HELD.items():
        collection = registry.get(name)
        assert collection is not None
        for one in documents:
            schema = registry.fact_kinds()[one["kind"]] if name == "facts" else collection
            jsonschema.Draft202012Validator(schema.schema).validate(one)


class TestWhatMayEndanger:
    def test_stands_first_and_what_has_expired_nowhere(self) -> None:
        assert page(told())[0] == Section(
            "Beware",
            [
                (
                    "Weapon, high",
                    "Caller saw a knife. (caller, 14:20:02, from CAD number 1234, taken back)",
                ),
                ("Withheld", "text withheld, ask dispatch"),
                ("Of the person", "Dog bites. (R. Ortega, seen 2026-01-09)"),
            ],
        )
        assert "Long over." not in str(told())

    def test_of_a_person_is_told_of_whom_the_encounter_names_alone(self) -> None:
        held = deepcopy(HELD)
        held["encounters"][0] |= {"match": "none"}
        assert told(held)["person"] is None
        assert "Dog bites." not in str(told(held))


class TestThePerson:
    def test_is_whom_they_are_said_to_be_the_same_as(self) -> None:
        assert told()["person"]["aliases"] == ["Red"]

    def test_is_as_known_as_the_tablet_has_them(self) -> None:
        held = {**HELD, "persons": HELD["persons"][:1]}
        assert told(held)["person"] == {"match": "possible", "aliases": ["Rusty"]}
        assert told({**HELD, "persons": []})["person"] is None

    def test_keeps_what_is_no_medics_business(self) -> None:
        assert "not for medics" not in str(told())


class TestTheCare:
    def test_says_when_the_fire_department_was_called(self) -> None:
        assert told()["fire"] == {
            "fire_department": "Called",
            "called_at": "2026-03-04T22:31:30.000Z",
        }

    def test_says_what_the_timeline_knows_of_it(self) -> None:
        held = deepcopy(HELD)
        held["assignments"][0]["handoff"] = {
            "requests": [{"kind": "assist", "agency": "sfd", "at": "2026-03-04T22:31:00.000Z"}],
            "fire": {"arrived": {"at": "2026-03-04T22:40:00.000Z"}},
        }
        held["facts"] = []
        assert told(held)["fire"] == {
            "asked_for_at": "2026-03-04T22:31:00.000Z",
            "arrived_at": "2026-03-04T22:40:00.000Z",
        }

    def test_tells_every_dose_as_it_stands(self) -> None:
        first, second = told()["parts"]["doses"]
        assert (first["dose"], first["given_by"], first["at"]) == ("4 mg", "Bystander", None)
        assert (second["dose"], second["at"]) == ("2 mg", "2026-03-04T22:33:00.000Z")

    def test_of_somebody_else_on_the_call_is_not_told(self) -> None:
        held = deepcopy(HELD)
        for name in ("naloxone_doses", "first_aid_logs", "facts"):
            for one in held[name]:
                one["encounter_id"] = str(encounter_id(CALL, 2))
        assert told(held)["parts"].keys() == {"note", "refusal"}
        assert told(held)["fire"] is None

    def test_of_another_call_is_not_told(self) -> None:
        held = deepcopy(HELD)
        held["naloxone_doses"] = [
            {**one, "assignment_id": SAME, "encounter_id": str(MET)}
            for one in held["naloxone_doses"]
        ]
        assert "doses" not in told(held)["parts"]


class TestARefusal:
    def test_names_its_witness(self) -> None:
        assert told()["parts"]["refusal"] == {
            "refused": ["Medics, or the hospital"],
            "capacity": "Yes",
            "risks_explained": "Yes",
            "witness": "Police",
            "witness_note": "The officer at the door.",
        }
        assert told()["parts"]["answers"][0]["witness"] == "Officer at the door"


class TestTheNote:
    def test_is_told_in_words(self) -> None:
        note = told()["parts"]["note"]
        assert note["presenting_needs"] == ["Shelter"]
        assert note["narrative"] == "Asleep in the doorway."

    def test_with_a_mandated_report_keeps_its_words(self) -> None:
        held = deepcopy(HELD)
        held["case_notes"][0]["mandated_report"] = {"observed": "not for medics"}
        found = told(held)
        for words in ("not for medics", "Asleep", "The officer at the door."):
            assert words not in str(found)
        assert found["parts"]["note"]["presenting_needs"] == ["Shelter"]
        assert found["parts"]["refusal"]["witness"] == "Police"

    @pytest.mark.parametrize("where", ["note", "fact"])
    def test_tells_what_was_added_once(self, where: str) -> None:
        held, added = deepcopy(HELD), {"id": DOSE, "text": "The day center called."}
        cut = {**added, "text": None, "cut": True}
        held["case_notes"][0]["addenda"] = [cut if where == "fact" else added]
        if where == "fact":
            held["facts"].append({**added, "kind": "note_addendum", "note_id": NOTE})
        assert told(held)["parts"]["note"]["addenda"] == ["The day center called."]


class TestWhatIsNotThere:
    def test_is_not_known(self) -> None:
        found = handover({}, MET, rooms=[care], now=NOW)
        assert found == {
            "as_of": "2026-03-04T22:58:00.000Z",
            "cautions": [],
            "withheld": None,
            "call": None,
            "person": None,
            "fire": None,
            "parts": {},
        }
        assert page(found) == []

    def test_of_the_call_is_taken_from_the_encounter(self) -> None:
        """The assignment has left the tablet, which keeps the encounter for its record."""
        held = deepcopy(HELD)
        held["encounters"][0]["summary"] = {"unit": "CARE21", "address": "3RD AVE", "times": {}}
        assert told({**held, "assignments": []})["call"]["unit"] == "CARE21"


class TestThePage:
    def test_is_in_the_order_of_what_matters(self) -> None:
        assert [one.title for one in page(told())] == [
            *("Beware", "Person", "Fire department", "Doses", "Answers", "Aid", "Refusal"),
            *("Note", "Call", "Times"),
        ]

    def test_says_times_by_the_citys_clock_and_nothing_of_what_nobody_knows(self) -> None:
        lines = {one.title: one.lines for one in page(told())}
        assert lines["Times"] == [("On scene", "14:29:40")]
        assert ("Unit", "CARE21") in lines["Call"]

    def test_words_that_look_like_a_time_beyond_the_calendar_stay_words(self) -> None:
        held = deepcopy(HELD)
        held["case_notes"][0]["narrative"] = "0001-01-01T00:00:00+14:00"
        lines = {one.title: one.lines for one in page(told(held))}
        assert ("Narrative", "0001-01-01T00:00:00+14:00") in lines["Note"]


ODD: tuple[Any, ...] = (None, 7, "x", [], [None], {}, {"at": []}, [{"text": 1, "expires_on": 2}])


@pytest.mark.parametrize("collection", HELD)
def test_nothing_that_a_document_holds_keeps_the_page_from_being_made(collection: str) -> None:
    for number, document in enumerate(HELD[collection]):
        for name in document:
            for odd in ODD:
                held = deepcopy(HELD)
                held[collection][number][name] = odd
                page(told(held))
