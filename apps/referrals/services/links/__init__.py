"""The verbs of signed links: who is sent them, the links and codes themselves, and visits."""

from apps.referrals.services.links.contacts import note_contact, wrong_contact
from apps.referrals.services.links.sending import make_links, revoke_links, send_due
from apps.referrals.services.links.visits import (
    Visit,
    acknowledge_by_link,
    answer_by_link,
    ask_code,
    capacity_by_link,
    leave,
    open_visit,
    revocations_of,
    stamp_of,
)

__all__ = [
    "Visit",
    "acknowledge_by_link",
    "answer_by_link",
    "ask_code",
    "capacity_by_link",
    "leave",
    "make_links",
    "note_contact",
    "open_visit",
    "revocations_of",
    "revoke_links",
    "send_due",
    "stamp_of",
    "wrong_contact",
]
