"""Resources against the profiles of the guide. Each assertion names the element of the profile that
it holds a resource against, and finds the rule in the profile's own source."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from apps.accounts.models import Partner
from apps.core.ids import uuid7
from apps.core.problems import ProblemError
from apps.referrals import codes, states
from apps.referrals.fhir import resources, serving, terms
from apps.referrals.fhir.changes import VERBS, Change, Stands, changes
from apps.referrals.models import Consent, Referral, ReferralTask
from apps.referrals.payload import Datum, Payload, for_partner, with_notices
from apps.referrals.shapes import A_CALL_US, A_TOLD
from tests.data import shared_data
from tests.factories import NOON
from tests.fhirjudge import judged

CITY = ZoneInfo("America/Los_Angeles")
SHELTER = Partner(id=uuid7(), name="Pioneer Square Shelter")


def rule(profile: str, text: str) -> None:
    """The rule stands in the profile as the guide has it."""
    source = shared_data("fhir", f"{profile}.fsh").read_text(encoding="utf-8")
    assert text in source.splitlines(), (profile, text)


def a_task(status: str = "accepted", **more: Any) -> ReferralTask:
    referral = Referral(id=uuid7(), status="active", created_at=NOON, urgency="tonight")
    return ReferralTask(
        **{
            "id": uuid7(),
            "referral": referral,
            "partner": SHELTER,
            "status": status,
            "status_at": NOON,
            "sent_at": NOON,
            "reason": "Full until Friday." if status in states.NEGATIVE else None,
            "said": {},
            **more,
        }
    )


def served(row: ReferralTask) -> dict[str, Any]:
    return judged(resources.task(row, version=2, updated_at=NOON, requester="CARE"))


def requested(document: dict[str, Any], **payload: Any) -> dict[str, Any]:
    found = Payload(
        **{
            "told": {},
            "places": (),
            "categories": (),
            "consents": (),
            "part2": False,
            "withheld": 0,
            **payload,
        }
    )
    told = resources.service_request(document, found, row=a_task(), requester="CARE", zone=CITY)
    return judged(told)


class TestTask:
    """SDOHCCTaskForReferralManagement.fsh"""

    PROFILE = "SDOHCCTaskForReferralManagement"

    def test_has_the_statuses_of_the_value_set(self) -> None:
        rule(self.PROFILE, "* status from SDOHCCValueSetReferralTaskStatus (required)")
        for excluded in ("ready", "received"):
            rule("SDOHCCValueSetReferralTaskStatus", f"* exclude TaskStatus#{excluded}")
        # http://hl7.org/fhir/R4/valueset-task-status.html
        r4 = {"draft", "requested", "received", "accepted", "rejected", "ready", "cancelled"}
        r4 |= {"in-progress", "on-hold", "failed", "completed", "entered-in-error"}
        assert set(codes.TASK_STATUSES) == r4 - {"ready", "received"}

    @pytest.mark.parametrize("status", sorted(codes.TASK_STATUSES))
    def test_has_what_the_profile_asks_for(self, status: str) -> None:
        told = served(a_task(status))

        rule(self.PROFILE, "* intent = #order (exactly)")
        assert told["intent"] == "order"
        rule(self.PROFILE, "* code = $task-code#fulfill")
        assert told["code"]["coding"][0] | {"display": ""} == {
            "system": terms.TASK_CODE,
            "code": "fulfill",
            "display": "",
        }
        for element in ("focus", "for", "authoredOn", "requester"):
            rule(self.PROFILE, f"* {element} 1.. MS")
            assert told[element]
        assert re.fullmatch(r"ServiceRequest/[0-9a-f-]{36}", told["focus"]["reference"])
        assert told["for"]["type"] == "Patient"
        assert told["requester"]["type"] == "Organization"

    @pytest.mark.parametrize("status", sorted(codes.TASK_STATUSES))
    def test_says_why_with_every_negative_status(self, status: str) -> None:
        rule(self.PROFILE, "* statusReason.text 1.. MS")
        source = shared_data("fhir", f"{self.PROFILE}.fsh").read_text(encoding="utf-8")
        found = re.search(r"If the Task.status is (.+?), then Task.statusReason.text", source)
        assert found is not None
        negative = set(re.split(r", (?:or )?", found[1]))
        assert negative == states.NEGATIVE

        told = served(a_task(status)).get("statusReason", {})
        assert bool(told.get("text")) == (status in negative)

    def test_tells_what_came_of_it_as_outputs(self) -> None:
        said = {"appointment_at": "2026-03-06T22:30:00.000Z", "services": ["A bed"]}
        told = served(a_task("completed", said=said, attended=True, served=True))

        rule(self.PROFILE, "* output ^slicing.rules = #open")
        found = {one["type"]["coding"][0]["code"]: one for one in told["output"]}
        assert found["attended"]["valueBoolean"] is True
        assert found["appointment"]["valueDateTime"] == said["appointment_at"]
        assert found["service"]["valueString"] == "A bed"

    def test_names_nobody(self) -> None:
        assert "Dana" not in repr(served(a_task()))
        assert "priority" not in served(a_task())  # how soon is a need: consent opens it


class TestServiceRequest:
    """SDOHCCServiceRequest.fsh"""

    PROFILE = "SDOHCCServiceRequest"

    def test_is_a_social_service_of_a_category_of_the_guide(self) -> None:
        told = requested(A_TOLD)

        rule(self.PROFILE, "* category[SDOHCC] from SDOHCCValueSetSDOHCategory (required)")
        social, of_the_guide = told["category"]
        assert social["coding"][0]["code"] == "410606002"
        assert of_the_guide["coding"][0]["system"] == terms.SDOH
        source = shared_data("fhir", "SDOHCCCodeSystemTemporaryCodes.fsh").read_text("utf-8")
        known = set(re.findall(r"^\* #([a-z-]+) ", source, re.MULTILINE))
        assert set(codes.NEEDS) - terms.OUR_NEEDS <= known
        assert not terms.OUR_NEEDS & known

    def test_has_what_us_core_asks_for(self) -> None:
        told = requested(A_TOLD)

        assert (told["status"], told["intent"], told["priority"]) == ("active", "order", "stat")
        assert told["subject"] == {"reference": "#person"}
        [person] = told["contained"]
        assert (person["resourceType"], person["id"]) == ("Patient", "person")
        assert person["name"] == [{"given": ["Dana"]}]

    def test_loses_nothing_that_was_told(self) -> None:
        person = {
            "given_name": "Dana",
            "aliases": ["Dee"],
            "birth_year": 1984,
            "sex": "9919001",
            "approximate_age": 40,
            "housing": "vehicle",
            "animals": "a dog",
            "helps": "tea",
            "contacts": [{"kind": "phone", "value": "206-555-0100", "note": "evenings"}],
            "found_at": [{"place": "under the bridge"}],
            "safety_notes": [{"text": "startles"}],
            "interpreter": True,
        }
        told = repr(requested({**A_TOLD, "person": person, "contact_prohibited": True}))

        every = ["Dana", "Dee", "1984", "female", "40", "In a vehicle", "a dog", "tea", "evenings"]
        every += ["206-555-0100", "under the bridge", "startles", "contacting-subject-prohibited"]
        assert [one for one in every if one not in told] == []

    def test_without_consent_says_call_us_and_nothing_else(self) -> None:
        told = requested(A_CALL_US)

        assert not {"contained", "priority", "orderDetail", "supportingInfo"} & set(told)
        assert told["subject"]["identifier"]["value"] == f"urn:uuid:{told['id']}"
        assert [one["text"] for one in told["note"]] == [
            "Please call us about this referral. 206-555-0199"
        ]

    def test_names_the_consents_that_it_rests_on(self) -> None:
        rule(
            self.PROFILE, "* supportingInfo[SupportedSupportingInfo] only Reference(SDOHCCConsent)"
        )
        consent = uuid7()

        told = requested(A_TOLD, consents=(consent,))
        assert told["supportingInfo"] == [{"reference": f"Consent/{consent}"}]

    def test_part_2_data_carries_its_label_and_statement(self) -> None:
        data = [Datum("note", "from a programme", "needs", part2=True)]
        found = for_partner(data, recipient=uuid7(), needs=["sobering"], grants=[], now=NOON)
        assert found.withheld == 1  # without a written consent
        opened = Payload({"note": "x"}, ("note",), ("needs",), (uuid7(),), part2=True, withheld=0)
        document = with_notices(
            opened, envelope={**A_CALL_US}, phone="", consents=[{"to": ["A shelter"]}]
        )

        told = resources.service_request(
            document, opened, row=a_task(), requester="CARE", zone=CITY
        )
        assert judged(told)["meta"]["security"][0]["code"] == "42CFRPart2"
        assert "protected by Federal confidentiality rules" in repr(told["note"])
        assert "to: A shelter" in repr(told["note"])


def test_a_consent_has_what_the_profile_asks_for() -> None:
    """SDOHCCConsent.fsh"""
    row = Consent(
        id=uuid7(), form="verbal", given_at=NOON, received_at=NOON,
        expires_at=NOON + timedelta(days=30),
        content={"purpose": "referral", "categories": ["needs"], "given_by": "Dana Reyes"},
    )  # fmt: skip
    told = judged(resources.consent(row, active=True, recipients=[SHELTER], organization="CARE"))

    rule("SDOHCCConsent", "* category[IDSCL] = $v3-ActCode#IDSCL")
    assert told["category"][0]["coding"][0] | {"display": ""} == {
        "system": terms.ACT_CODE,
        "code": "IDSCL",
        "display": "",
    }
    rule("SDOHCCConsent", "* organization 1..1 MS")
    assert len(told["organization"]) == 1
    for element, given in (("patient 1.. MS", "patient"), ("dateTime 1.. MS", "dateTime")):
        rule("SDOHCCConsent", f"* {element}")
        assert told[given]
    rule("SDOHCCConsent", "* source[x] 1.. MS")
    assert told["sourceAttachment"]
    assert told["scope"]["coding"][0]["code"] == "patient-privacy"
    assert told["status"] == "active"
    assert "Dana" not in repr(told)


STANDS = Stands(
    id=UUID(int=1),
    referral_id=UUID(int=2),
    partner_id=UUID(int=3),
    status="requested",
    attended=None,
    case_number=None,
    said={},
)


def sent(status: str = "requested", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": str(STANDS.id),
        "intent": "order",
        "status": status,
        **more,
    }


def output(code: str, **value: Any) -> dict[str, Any]:
    return {"type": {"coding": [{"system": terms.OUTPUT, "code": code}]}, **value}


class TestWhatATaskSays:
    @pytest.mark.parametrize(("status", "verb"), VERBS.items())
    def test_a_new_status_is_a_verb(self, status: str, verb: str) -> None:
        reason = {"statusReason": {"text": "Full."}} if status in states.NEGATIVE else {}
        told = {"reason": "Full."} if reason else {}

        assert changes(sent(status, **reason), STANDS) == [Change(verb, told)]
        assert states.after(verb, status="requested", by="partner") == status

    def test_the_same_says_nothing(self) -> None:
        assert changes(sent(), STANDS) == []

    @pytest.mark.parametrize("status", ["rejected", "on-hold", "failed"])
    @pytest.mark.parametrize("reason", [{}, {"statusReason": {}}, {"statusReason": {"text": " "}}])
    def test_a_negative_status_needs_its_reason(self, status: str, reason: dict[str, Any]) -> None:
        """SDOHCCTaskForReferralManagement: statusReason.text 1.."""
        with pytest.raises(ProblemError) as refused:
            changes(sent(status, **reason), STANDS)
        assert refused.value.errors[0].pointer == "Task.statusReason.text"

    @pytest.mark.parametrize(
        "status", ["ready", "received", "cancelled", "draft", "entered-in-error", "", None, 1, []]
    )
    def test_no_other_status_is_taken(self, status: Any) -> None:
        with pytest.raises(ProblemError) as refused:
            changes(sent(status), STANDS)
        assert refused.value.errors[0].pointer == "Task.status"

    def test_outputs_are_an_appointment_an_attendance_and_services(self) -> None:
        activity = {"coding": [{"system": terms.SDOH, "code": "resulting-activity"}]}
        outputs = [
            output("appointment", valueDateTime="2026-03-06T14:30:00-08:00"),
            output("attended", valueBoolean=True),
            {"type": activity, "valueCodeableConcept": {"text": "A bed"}},
        ]

        assert changes(sent("completed", output=outputs), STANDS) == [
            Change("appointment", {"appointment_at": "2026-03-06T22:30:00.000Z"}),
            Change("attended", {}),
            Change("served", {"services": ["A bed"]}),
        ]

    def test_a_new_note_is_a_question(self) -> None:
        told = changes(sent(note=[{"text": "Has he a dog?"}]), STANDS)

        assert told == [Change("ask", {"text": "Has he a dog?"})]

    def test_the_partners_number_goes_with_what_is_said(self) -> None:
        number = [{"system": terms.CASE_NUMBER, "value": "PSS-4411"}]

        told = changes(sent("accepted", identifier=number), STANDS)
        assert told == [Change("accept", {"case_number": "PSS-4411"})]
        with pytest.raises(ProblemError):
            changes(sent(identifier=number), STANDS)

    @pytest.mark.parametrize(
        "more",
        [
            {"id": "x"},
            {"resourceType": "Patient"},
            {"intent": "plan"},
            {"owner": {"reference": f"Organization/{UUID(int=9)}"}},
            {"focus": {"reference": f"ServiceRequest/{UUID(int=9)}"}},
            {"focus": "x"},
            {"output": [output("attended", valueBoolean="yes")]},
            {"output": [output("appointment", valueDateTime="2026-03-06T14:30:00")]},
            {"output": [output("appointment", valueDateTime="soon")]},
            {"output": [output("appointment-place", valueString="a\0b")]},
            {"note": [{"text": "a\0b"}]},
            {"output": [output("appointment", valueDateTime="9999-12-31T23:59:59-12:00")]},
        ],
    )
    def test_what_is_not_theirs_or_no_value_is_refused(self, more: dict[str, Any]) -> None:
        with pytest.raises(ProblemError):
            changes({**sent("accepted"), **more}, STANDS)

    def test_services_have_an_end(self) -> None:
        many = [output("service", valueString="A bed")] * 21
        with pytest.raises(ProblemError):
            changes(sent("completed", output=many), STANDS)
        [served] = changes(sent("completed", output=many[:20]), STANDS)
        assert len(served.told["services"]) == 20

    @pytest.mark.parametrize("body", [None, [], "x", {}])
    def test_what_is_no_task_is_refused(self, body: Any) -> None:
        with pytest.raises(ProblemError):
            changes(body, STANDS)

    @pytest.mark.parametrize("junk", [{"note": 1}, {"output": "x"}, {"identifier": [1]}])
    def test_junk_beside_it_says_nothing(self, junk: dict[str, Any]) -> None:
        assert changes(sent(**junk), STANDS) == []


class TestSearching:
    @pytest.mark.parametrize(
        "given",
        [
            {"subject": ["x"]},
            {"status": ["ready"]},
            {"_id": ["x"]},
            {"_count": ["0"]},
            {"_count": ["101"]},
            {"_count": ["000001999999999"]},
            {"_count": ["9" * 5000]},
            {"_lastUpdated": ["2026-03-04"]},
            {"_lastUpdated": ["ne2026-03-04T20:00:00Z"]},
            {"_lastUpdated": ["ge2026-03-04T20:00:00"]},
        ],
    )
    def test_what_is_not_taken_is_refused(self, given: dict[str, list[str]]) -> None:
        with pytest.raises(ProblemError):
            serving.search("Task", given)

    def test_a_range_of_time(self) -> None:
        told = serving.search(
            "Task", {"_lastUpdated": ["ge2026-03-04T20:00:00Z", "lt2026-03-04T20:00:01 00:00"]}
        )

        assert told.updated == (("gte", NOON), ("lt", NOON + timedelta(seconds=1)))

    @pytest.mark.parametrize("text", [None, "", "3", 'W/"x"', '"-1"', "*"])
    def test_a_change_names_its_version(self, text: str | None) -> None:
        with pytest.raises(ProblemError):
            serving.version_in(text)
        assert serving.version_in('W/"3"') == 3
