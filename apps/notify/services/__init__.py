"""The verbs of notify. Nothing else writes these rows."""

from apps.notify.services.claiming import Job, claim, finish, hand_over_again
from apps.notify.services.collecting import collect
from apps.notify.services.keeping import save_contact_point, save_hours, wrong_hours, wrong_point
from apps.notify.services.telling import Notice, put_off, stop, stop_all, tell, tell_all
from apps.notify.services.tidying import let_old_go

__all__ = [
    "Job",
    "Notice",
    "claim",
    "collect",
    "finish",
    "hand_over_again",
    "let_old_go",
    "put_off",
    "save_contact_point",
    "save_hours",
    "stop",
    "stop_all",
    "tell",
    "tell_all",
    "wrong_hours",
    "wrong_point",
]
