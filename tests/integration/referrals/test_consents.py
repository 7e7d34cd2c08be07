from __future__ import annotations

import pytest
from django.db import connection

from apps.accounts.models import Partner, Role
from apps.accounts.services import user_actor
from apps.assignments.services import let_cleared_go
from apps.audit.services import SYSTEM
from apps.changes.models import Change
from apps.core.clock import iso
from apps.core.problems import ProblemError
from apps.people.services import let_go
from apps.referrals import records
from apps.referrals.admin.consents import RenewForm
from apps.referrals.models import Consent, ConsentRecipient, ConsentRevocation, Way
from apps.referrals.services import consents
from apps.sync.media.models import MediaReference
from tests.factories import person
from tests.integration.assignments.conftest import dropped
from tests.integration.referrals.conftest import Case, after, shown

pytestmark = pytest.mark.django_db


class TestWhatIsRecorded:
    def test_who_may_be_told_what(self, case: Case, shelter: Partner) -> None:
        row = case.consent(shelter)

        document = shown(case.world.ours.tablets[1], "consents")[row.pk]
        assert document["in_force"]
        assert [one["partner"] for one in document["recipients"]] == [shelter.name]
        assert document["author_name"] == case.world.ours.people[0].display_name

    def test_what_it_lacks_is_flagged_and_it_opens_nothing(
        self, case: Case, shelter: Partner
    ) -> None:
        row = case.consent(shelter, witness=None, expires_at=None)

        assert row.flags == ["no_expiry", "no_witness"]
        assert not shown(case.tablet, "consents")[row.pk]["in_force"]

    @pytest.mark.parametrize(
        ("when", "flag"),
        [
            ({"given_at": iso(after(3 * 86400))}, "given_later"),
            ({"given_at": iso(after(-400 * 86400))}, "given_long_ago"),
            ({"expires_at": "2099-01-01T00:00:00.000Z"}, "too_long"),
        ],
    )
    def test_times_that_cannot_be_are_flagged_and_it_opens_nothing(
        self, case: Case, shelter: Partner, when: dict[str, str], flag: str
    ) -> None:
        row = case.consent(shelter, **when)

        assert flag in row.flags
        assert not shown(case.tablet, "consents")[row.pk]["in_force"]

    def test_what_nobody_says_was_signed_was_not(self, case: Case, shelter: Partner) -> None:
        assert case.consent(shelter, form="carved").form == "verbal"

    def test_a_signature_is_media_that_whoever_sees_the_consent_may_see(
        self, case: Case, shelter: Partner
    ) -> None:
        row = case.consent(shelter, form="written")

        named = MediaReference.objects.get(collection="consents", doc_id=row.pk)
        assert bytes(named.sha256).hex() == "ab" * 32

    @pytest.mark.parametrize("word", ["signed", "AB" * 32, "ab" * 31])
    def test_a_word_is_no_signature(self, case: Case, shelter: Partner, word: str) -> None:
        row = case.consent(shelter, form="written", signature=word)

        assert "no_signature" in row.flags
        assert not shown(case.tablet, "consents")[row.pk]["in_force"]

    def test_a_partner_that_nobody_knows_is_no_recipient(self, case: Case) -> None:
        row = case.consent(Partner(name="nobody"))

        assert row.flags == ["no_recipient", "unknown_partner"]


class TestRevocation:
    def test_every_recipient_is_told_whatever_else_waits(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        row = case.consent(shelter, clinic)
        assert case.tell("consent_revocation", consent_id=str(row.pk), now=after(60)) == []

        recipients = ConsentRecipient.objects.filter(consent=row, told_at=after(60))
        assert {one.partner for one in recipients} == {shelter, clinic}
        told = Change.objects.filter(event="consent.revoked").values_list("subject", flat=True)
        assert set(told) == {one.pk for one in recipients}
        assert shown(case.tablet, "consents")[row.pk]["revoked_at"]

    def test_waits_for_no_consent_that_cannot_be_opened(
        self, case: Case, shelter: Partner, clinic: Partner
    ) -> None:
        broken, row = case.consent(clinic), case.consent(shelter)
        case.refer(shelter, clinic)
        with connection.cursor() as cursor:
            cursor.execute(
                "update referrals_consent set content = %s where id = %s", [b"broken", broken.pk]
            )

        assert case.tell("consent_revocation", consent_id=str(row.pk), now=after(60)) == []
        row.refresh_from_db()
        assert row.revoked_at == after(60)
        assert records.grants_of(case.encounter)[0][0].revoked_at == after(60)

    def test_of_one_that_cannot_be_opened_is_taken_too(self, case: Case, shelter: Partner) -> None:
        row = case.consent(shelter)
        with connection.cursor() as cursor:
            cursor.execute("update referrals_consent set content = %s", [b"broken"])

        assert case.tell("consent_revocation", consent_id=str(row.pk), now=after(60)) == []
        assert ConsentRecipient.objects.get(consent=row).told_at == after(60)
        document = shown(case.tablet, "consents")[row.pk]
        assert (document["in_force"], bool(document["revoked_at"])) == (False, True)

    def test_twice_is_once(self, case: Case, shelter: Partner) -> None:
        row = case.consent(shelter)
        case.tell("consent_revocation", consent_id=str(row.pk), now=after(60))
        case.tell("consent_revocation", consent_id=str(row.pk), now=after(90))

        row.refresh_from_db()
        assert row.revoked_at == after(60)
        assert ConsentRevocation.objects.count() == 2
        assert Change.objects.filter(event="consent.revoked").count() == 1

    def test_that_a_recipient_knows_is_tracked(self, case: Case, shelter: Partner) -> None:
        row = case.consent(shelter)
        case.tell("consent_revocation", consent_id=str(row.pk))
        [waiting] = ConsentRecipient.objects.unacknowledged()

        consents.acknowledge_revocation(
            recipient=waiting, by="Kim", way=Way.API, actor=SYSTEM, now=after(120)
        )
        case.world.commit()
        assert not ConsentRecipient.objects.unacknowledged().exists()
        [shown_one] = shown(case.tablet, "consents")[row.pk]["recipients"]
        assert shown_one["acknowledged_at"] == "2026-03-04T20:02:00.000Z"

    def test_by_nobody_who_was_not_there(self, case: Case, shelter: Partner) -> None:
        row = case.consent(shelter)
        stranger = case.world.theirs.tablets[0]

        [answer] = case.tell("consent_revocation", consent_id=str(row.pk), by=stranger)
        assert answer["sync_status"] == "quarantined"
        assert Consent.objects.get().revoked_at is None

    def test_at_a_desk_is_answered_with_a_problem_where_it_is_anothers(
        self, case: Case, shelter: Partner
    ) -> None:
        row, stranger = case.consent(shelter), person(Role.SUPERVISOR)
        with pytest.raises(ProblemError):
            consents.revoke_consent(
                consent=row, by=stranger, actor=user_actor(stranger), now=after(60)
            )
        assert Consent.objects.get().revoked_at is None


def test_no_consent_goes_on_to_the_end_of_the_calendar() -> None:
    typed = {"witness": "Kim", "expires_on": "9999-12-31", "reason": "She says so."}
    assert list(RenewForm(typed).errors) == ["expires_on"]


def test_what_was_recorded_leaves_the_recorders_tablet_with_the_call(
    case: Case, shelter: Partner
) -> None:
    consent = case.consent(shelter)
    call = {"assignment_id": str(case.assignment.pk)}
    case.tell("disclosure", basis="medical_emergency", recipient="Medic 10", **call)
    case.tell("consent_revocation", consent_id=str(consent.pk))
    kinds = {"disclosure", "consent_revocation"}
    told = {id for id, one in shown(case.tablet, "facts").items() if one["kind"] in kinds}
    assert len(told) == 2
    case.world.tap("cleared", case.assignment, data={"disposition": "18"}, now=after(60))
    let_go(encounter_id=case.encounter, now=after(61))  # its record is written
    let_cleared_go(now=after(2 * 60 * 60))
    case.world.commit()
    assert consent.pk in dropped(case.tablet, "consents")
    assert told <= set(dropped(case.tablet, "facts"))
