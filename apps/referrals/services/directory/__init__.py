"""The verbs of the directory. Nothing else writes these rows."""

from apps.referrals.services.directory.capacity import set_capacity
from apps.referrals.services.directory.entries import (
    documents_of,
    lock_directory,
    save_at_location,
    save_location,
    save_organization,
    save_service,
    service_documents,
    tell_directory,
    verify_service,
)
from apps.referrals.services.directory.facts import (
    Arrival,
    arrival_of,
    follow_assignment,
    record_fact,
)
from apps.referrals.services.directory.importing import Imported, import_hsds
from apps.referrals.services.directory.watching import let_settled_go, settle_task, watch_directory

__all__ = [
    "Arrival",
    "Imported",
    "arrival_of",
    "documents_of",
    "follow_assignment",
    "import_hsds",
    "let_settled_go",
    "lock_directory",
    "record_fact",
    "save_at_location",
    "save_location",
    "save_organization",
    "save_service",
    "service_documents",
    "set_capacity",
    "settle_task",
    "tell_directory",
    "verify_service",
    "watch_directory",
]
