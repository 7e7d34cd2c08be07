"""The verbs of first aid. Nothing else writes these rows."""

from apps.firstaid.services.acts import follow_assignment, let_late_go, lock_cases
from apps.firstaid.services.ledger import lock_ledger
from apps.firstaid.services.protocols import (
    check_protocol,
    protocol_documents,
    protocol_of,
    save_protocol,
)
from apps.firstaid.services.recording import (
    record_aid,
    record_answer,
    record_dose,
    record_movement,
)
from apps.firstaid.services.stock import (
    MOST_PIECES,
    Recall,
    bring_back,
    count,
    discard,
    issue,
    recall_lot,
    recall_of,
    receive,
    save_kit,
    save_lot,
    save_product,
    tell_kits,
)
from apps.firstaid.services.training import (
    record_certification,
    remind_of_certificates,
    withdraw_certification,
)
from apps.firstaid.services.watching import watch_for_spikes

__all__ = [
    "MOST_PIECES",
    "Recall",
    "bring_back",
    "check_protocol",
    "count",
    "discard",
    "follow_assignment",
    "issue",
    "let_late_go",
    "lock_cases",
    "lock_ledger",
    "protocol_documents",
    "protocol_of",
    "recall_lot",
    "recall_of",
    "receive",
    "record_aid",
    "record_answer",
    "record_certification",
    "record_dose",
    "record_movement",
    "remind_of_certificates",
    "save_kit",
    "save_lot",
    "save_product",
    "save_protocol",
    "tell_kits",
    "watch_for_spikes",
    "withdraw_certification",
]
