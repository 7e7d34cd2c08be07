"""The verbs of case notes. Nothing else writes these rows.

`writing`            drafts
`signing`            signatures, and the lock
`early`              signatures that came before their text
`adding`             addenda
`policies`           what notes are judged by (imported from there)
`previewing`         what a policy would have asked for (imported from there)
`reviewing`          what a supervisor says of a signed note
`owing`              what the law asks for and nobody has done yet
`following`          notes go with their assignment
`reminding`          who is told that they owe a record, or a report
`settling`           what record each encounter of a cleared assignment has
"""

from apps.casenotes.services.adding import add, add_refused
from apps.casenotes.services.early import take_early_signatures
from apps.casenotes.services.following import follow_assignment, follow_encounter
from apps.casenotes.services.reminding import remind_of_debts, remind_of_reports
from apps.casenotes.services.reviewing import accept, give_back
from apps.casenotes.services.settling import settle
from apps.casenotes.services.signing import lock_due, sign
from apps.casenotes.services.telling import Telling
from apps.casenotes.services.writing import write_draft

__all__ = [
    "Telling",
    "accept",
    "add",
    "add_refused",
    "follow_assignment",
    "follow_encounter",
    "give_back",
    "lock_due",
    "remind_of_debts",
    "remind_of_reports",
    "settle",
    "sign",
    "take_early_signatures",
    "write_draft",
]
