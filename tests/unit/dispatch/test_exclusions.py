from __future__ import annotations

from typing import Any

import pytest

from apps.dispatch import exclusions, reference
from apps.dispatch.calls import (
    EXCLUSIONS,
    AlternateValue,
    Answer,
    Call,
    Caution,
    ExclusionHint,
    Extra,
    Note,
)
from apps.dispatch.cji import WITHHELD
from apps.dispatch.exclusions import derive


def answers(**members: Any) -> dict[str, Answer]:
    call = Call(cad_number="1", wire="plain", **members)
    return {name: evidence.answer for name, evidence in derive(call).items()}


def hints(**given: Answer) -> tuple[ExclusionHint, ...]:
    return tuple(ExclusionHint(name=name, answer=answer) for name, answer in given.items())


def test_silence_is_unknown() -> None:
    assert answers() == dict.fromkeys(EXCLUSIONS, "unknown")
    assert answers(initial_call_type="SERVICE - WELFARE CHECK") == dict.fromkeys(
        EXCLUSIONS, "unknown"
    )


@pytest.mark.parametrize("name", EXCLUSIONS)
@pytest.mark.parametrize("answer", ["yes", "no", "unknown"])
def test_the_source_may_state_each(name: str, answer: Answer) -> None:
    stated = (ExclusionHint(name=name, answer=answer),)
    assert answers(exclusions=stated)[name] == answer


@pytest.mark.parametrize("kind", ["weapon", "violence", "medical"])
def test_a_caution_outweighs_a_stated_no(kind: Any) -> None:
    found = answers(
        cautions=(Caution(kind=kind, text="x", severity="lowest"),),
        exclusions=(ExclusionHint(name=kind, answer="no"),),
    )
    assert found[kind] == "yes"


def test_the_words_of_a_caution_count_as_well_as_its_kind() -> None:
    found = answers(cautions=(Caution(kind="premise", text="dog; man with knife threatens"),))
    assert (found["weapon"], found["violence"]) == ("yes", "yes")


def test_notes_never_state_a_no_and_take_one_back() -> None:
    note = (Note(text="NO WEAPONS SEEN"),)
    assert answers(narrative=note)["weapon"] == "unknown"
    assert answers(narrative=note, exclusions=hints(weapon="no"))["weapon"] == "unknown"
    assert answers(narrative=(Note(text="CALM"),), exclusions=hints(weapon="no"))["weapon"] == "no"


def test_withheld_text_leaves_weapon_and_violence_open() -> None:
    stated = hints(weapon="no", violence="no", medical="no")
    found = answers(narrative=(Note(text=WITHHELD),), exclusions=stated)
    assert (found["weapon"], found["violence"], found["medical"]) == ("unknown", "unknown", "no")
    found = answers(cautions=(Caution(text=WITHHELD),), exclusions=stated)
    assert (found["weapon"], found["violence"]) == ("unknown", "unknown")


def test_parts_that_are_not_shown_count_like_notes() -> None:
    extras = (Extra(pointer="/x", value='"gun"'),)
    assert answers(extras=extras, exclusions=hints(weapon="no"))["weapon"] == "unknown"


def test_a_weapon_leaves_violence_open_and_violence_is_confrontational() -> None:
    found = answers(exclusions=hints(weapon="yes", violence="no", confrontational="no"))
    assert (found["violence"], found["confrontational"]) == ("unknown", "unknown")
    found = answers(exclusions=hints(violence="yes", confrontational="no"))
    assert found["confrontational"] == "yes"


@pytest.mark.parametrize(
    ("call_type", "yes", "no"),
    [
        ("FIGHT - IP - PHYSICAL (NO WEAPONS)", {"violence", "confrontational"}, {"weapon"}),
        ("FIGHT - WITH WEAPONS", {"weapon", "violence", "confrontational"}, set()),
        ("ASLT - WITH OR W/O WPNS (NO SHOOTINGS)", {"violence", "confrontational"}, set()),
        ("WEAPN-IP/JO-GUN,DEADLY WPN (NO THRT/ASLT/DIST)", {"weapon"}, set()),
        ("SHOTS HEARD - IN PROGRESS", {"weapon", "violence", "confrontational"}, set()),
        ("HARAS - NO BIAS OR THREATS", set(), set()),
        ("ASSIST PUBLIC - NO WELFARE CHK OR DV ORDER SERVICE", set(), set()),
        ("DISTURBANCE - DV CRITICAL", {"violence", "confrontational"}, set()),
        ("OVERDOSE", {"drug_use", "medical"}, set()),
        ("CASUALTY NON-TRAF NON-CRIM - DRUG RELATED (OD)", {"drug_use", "medical"}, set()),
        ("CASUALTY,NON-TRAF,NON-CRIM - NON-DRUG RELATED", {"medical"}, set()),
        ("MVC - NON INJURY, BLOCKING", set(), set()),
        ("SICK PERSON", {"medical"}, set()),
        ("JUVENILE - RUNAWAY", {"minor"}, set()),
        ("INTOX & LIQ VIOLS - MINORS (VIOLATIONS)", {"minor"}, set()),
        ("PREMISE CHECKS - HOMELESS ENCAMPMENT", {"encampment"}, set()),
        ("BURG - OCCUPIED RESD", {"residence"}, set()),
        ("ALARM - COMM, SILENT/AUD BURG (INCL BANKS)", {"business"}, set()),
        ("SLEEPER ABOARD BUS/COMMUTER TRAIN", set(), set()),
        ("WARRANT - SEARCH. CAUTION (EXCL NARCOTICS)", set(), set()),
        ("PERSON IN BEHAVIORAL/EMOTIONAL CRISIS", set(), set()),
        ("DOWN - CHECK FOR DOWN PERSON", set(), set()),
    ],
)
def test_call_types_tell_what_they_say(call_type: str, yes: set[str], no: set[str]) -> None:
    found = answers(initial_call_type=call_type)
    told = {name for name, answer in found.items() if answer == "yes"}
    implied = {"confrontational"} if "violence" in yes else set()
    assert told == yes | implied
    assert {name for name, answer in found.items() if answer == "no"} == no


@pytest.mark.parametrize(
    ("common", "violence"),
    [("MNTL", "no"), ("MTLV", "yes"), ("DVNA", "no"), ("WELFARE", "unknown")],
)
def test_common_types_that_name_violence_or_deny_it(common: str, violence: str) -> None:
    assert answers(common_type=common)["violence"] == violence


def test_the_final_type_and_other_agencies_types_count_too() -> None:
    assert answers(final_call_type="WEAPON, PERSON WITH - GUN")["weapon"] == "yes"
    other = AlternateValue(
        component="i", element="incidentTypeCommonRegistryText", value="STABBING"
    )
    assert answers(alternates=(other,))["weapon"] == "yes"


@pytest.mark.parametrize(
    ("place", "residence", "business"),
    [
        ("residence", "yes", "no"),
        ("Store", "no", "yes"),
        ("street", "no", "no"),
        ("other", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_the_kind_of_premise(place: str, residence: str, business: str) -> None:
    found = answers(premise_type=place)
    assert (found["residence"], found["business"]) == (residence, business)


@pytest.mark.parametrize(
    ("premise", "name"),
    [
        ("Yesler Apartments", "residence"),
        ("coffee shop", "business"),
        ("tent under I-5", "encampment"),
    ],
)
def test_the_words_of_the_premise(premise: str, name: str) -> None:
    assert answers(premise=premise, premise_type="street")[name] == "yes"


def test_every_answer_says_what_it_rests_on() -> None:
    call = Call(cad_number="1", wire="plain", exclusions=hints(weapon="no", minor="yes"))
    found = derive(call)
    assert found["weapon"].because == ("stated by the source",)
    assert found["minor"].because == ("stated by the source",)
    assert found["residence"].because == ()


def test_each_common_type_in_the_tables_exists() -> None:
    codes = {code for codes in exclusions._BY_COMMON.values() for code in codes}
    assert codes <= set(reference.common_types())
