"""The verbs of signed links: who is sent them, the links and codes themselves, and visits."""

from apps.referrals.services.links.contacts import note_contact, usable_channels, wrong_contact
from apps.referrals.services.links.sending import make_links, revoke_links, send_due
from apps.referrals.services.links.visits import (
    Visit,
    answer_by_link,
    ask_code,
    capacity_by_link,
    leave,
    open_visit,
    stamp_of,
)

__all__ = [
    "Visit",
    "answer_by_link",
    "ask_code",
    "capacity_by_link",
    "leave",
    "make_links",
    "note_contact",
    "open_visit",
    "revoke_links",
    "send_due",
    "stamp_of",
    "usable_channels",
    "wrong_contact",
]
