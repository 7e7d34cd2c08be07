"""Where a document of a collection is read: its record's page, in a room above."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import NOTHING
from apps.core.ids import short
from apps.sync.values import uuid_of

# By collection, and by the kind of a fact; what has no page of its own is named by its id.
_PAGES: Final = {
    "arrival_notice": "admin:referrals_facilityfact_change",
    "assignment_event": "admin:assignments_fact_change",
    "bed_call": "admin:referrals_facilityfact_change",
    "case_notes": "admin:casenotes_casenote_change",
    "consents": "admin:referrals_consent_change",
    "directory_report": "admin:referrals_facilityfact_change",
    "disclosure": "admin:referrals_disclosure_change",
    "encounters": "admin:people_encounter_change",
    "first_aid_logs": "admin:firstaid_firstaidlog_change",
    "follow_up_agreement": "admin:followups_followupagreement_change",
    "follow_ups": "admin:followups_followup_change",
    "handover_call": "admin:referrals_facilityfact_change",
    "naloxone_doses": "admin:firstaid_naloxonedose_change",
    "persons": "admin:people_person_change",
    "quarantine": "admin:sync_quarantinedwrite_change",
    "referrals": "admin:referrals_referral_change",
    "stock_movement": "admin:firstaid_stockmovement_change",
}


def document_link(collection: str, id: UUID | str) -> SafeString:
    """A link to the record of a collection, or of a kind of fact. Whether it is here and opens,
    that page decides. What was refused may have named it by what is no id."""
    id = uuid_of(str(id)) or str(id)
    if isinstance(id, str):
        return format_html("{}", id or NOTHING)
    if collection not in _PAGES:
        return format_html("{}", short(id))
    address = reverse(_PAGES[collection], args=[id])
    kind = collection.replace("_", " ").removesuffix("s")
    return format_html('<a href="{}">{} {}</a>', address, kind, short(id))
