"""The product's own collections, all of them, in a client of somebody else's."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from apps.accounts import services as accounts
from apps.audit.services import SYSTEM
from apps.casenotes.models import Signature
from apps.core.ids import uuid7
from apps.firstaid import codes as aid
from apps.people.ids import encounter_id, record_id
from apps.sync import registry
from tests.factories import tablet
from tests.functional.dispatch.street import Cast
from tests.functional.sync.rxdb.together import VALIDATOR, given, held, served, wait_for_call
from tests.probe import rooms
from tests.processes import Server
from tests.rxdb.client import Node

NEEDED = {"presenting_needs": ["shelter"], "interventions": ["de_escalation"], "disposition": "18"}


@VALIDATOR
def test_a_call_and_its_record_are_written_and_replicate(
    node: Node, shared: Server, cast: Cast, validate: bool
) -> None:
    every = {
        one.name: one.kind for one in registry.all_for("tablet") if one not in rooms.COLLECTIONS
    }
    user, colleague = cast.crews["CARE21"]
    mine = node.tablet(tablet(user), shared, validate=validate, **every)
    given(shared, cast, "26000000001")
    assignment = wait_for_call(mine, "26000000001")["id"]
    encounter = str(encounter_id(UUID(assignment)))
    note = str(record_id(UUID(encounter), "case_note"))
    here = {"assignment_id": assignment, "encounter_id": encounter}
    tap = {"device_time": timezone.now().isoformat(), "counter": 1}

    met = {"kind": "assignment_event", "assignment_id": assignment, "event": "contact_made"}
    mine.insert("facts", id=str(uuid7()), **met, **tap, data={})
    person = mine.insert("persons", id=str(uuid7()), description="man with a grey dog")["id"]
    mine.insert(
        "encounters",
        id=encounter,
        assignment_id=assignment,
        ordinal=1,
        person_id=person,
        match="possible",
    )
    dose = {"given_by": aid.CARE, "drug": aid.NALOXONE, "dose": 4, "dose_unit": aid.MILLIGRAMS}
    mine.insert("naloxone_doses", id=str(uuid7()), **here, **tap, **dose)
    mine.insert("first_aid_logs", id=str(uuid7()), **here, **tap, injuries=["bleeding"])
    _, shelter = accounts.create_partner(name="Shelter", by=SYSTEM, now=timezone.now())
    consent = {"form": "verbal", "purpose": "referral", "categories": ["needs"], "witness": "BO"}
    mine.insert("consents", id=str(uuid7()), **here, **consent, partner_ids=[str(shelter.pk)])
    asked = [{"id": str(uuid7()), "partner_id": str(shelter.pk)}]
    need = {"needs": ["homelessness"], "urgency": "tonight"}
    mine.insert("referrals", id=str(uuid7()), **here, **need, asked=asked)
    agreed = {"kind": "follow_up_agreement", "basis": "agreed", "said_at": tap["device_time"]}
    mine.insert("facts", id=str(uuid7()), **here, **agreed, **tap)
    places = [{"id": str(uuid7()), "place": "Under the ramp", "who": "Marcus"}]
    again = mine.insert("follow_ups", id=str(uuid7()), **here, purpose="check_in", find=places)[
        "id"
    ]
    tried = {"kind": "follow_up_event", "event": "attempted", "result": "not_reached"}
    mine.insert("facts", id=str(uuid7()), follow_up_id=again, **tried, **tap)
    mine.wait("follow_ups", again, tries=1, state="open", flags=[])
    mine.insert("case_notes", id=note, **here, outcome="contact_made", **NEEDED)
    mine.wait("case_notes", note, state="draft")
    mine.patch("case_notes", note, narrative="Talked about the dog.", screen={"whole": "refused"})
    mine.wait("case_notes", note, to_mend=[], narrative="Talked about the dog.")
    shown = mine.documents("case_notes")[note]["content_hash"]
    signature = {"kind": "note_signature", "note_id": note, "content_hash": shown}
    mine.insert("facts", id=str(uuid7()), **signature, **tap)
    mine.wait("case_notes", note, state="signed")
    mine.settle()

    other = tablet(colleague)
    mine.until(lambda: all(held(mine, name) == served(shared, other, name) for name in every))
    assert {name for name in every if not held(mine, name)} == {"quarantine"}
    assert mine.kept["errors"] == []
    assert Signature.objects.get().author_id == user.pk
