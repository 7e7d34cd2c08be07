"""The verbs of case notes. Nothing else writes these rows.

`writing`            drafts
`signing`            signatures, and the lock
`early`              signatures that came before their text
`adding`             addenda
`reviewing`          what a supervisor says of a signed note
`following`          notes go with their assignment
`dispatch_records`   what record each cleared assignment has
"""

from apps.casenotes.services.adding import add, add_refused
from apps.casenotes.services.dispatch_records import settle
from apps.casenotes.services.early import take_early_signatures
from apps.casenotes.services.following import follow_assignment, let_late_go
from apps.casenotes.services.reviewing import accept, give_back
from apps.casenotes.services.signing import lock_due, sign
from apps.casenotes.services.telling import Telling
from apps.casenotes.services.writing import write_draft

__all__ = [
    "Telling",
    "accept",
    "add",
    "add_refused",
    "follow_assignment",
    "give_back",
    "let_late_go",
    "lock_due",
    "settle",
    "sign",
    "take_early_signatures",
    "write_draft",
]
