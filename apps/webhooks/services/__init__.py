"""The verbs of webhooks. Nothing else writes these rows."""

from apps.webhooks.services.claiming import Job, claim
from apps.webhooks.services.endpoints import (
    KEYS_OVERLAP,
    allow_type,
    change_endpoint,
    create_endpoint,
    disable_endpoint,
    name_watcher,
    pause_endpoint,
    pause_partner,
    resume_endpoint,
    rotate_keys,
    send_test,
    verify_endpoint,
    withdraw_type,
)
from apps.webhooks.services.finishing import Result, finish, let_bodies_go
from apps.webhooks.services.noticing import acknowledge_notice, mail_notices
from apps.webhooks.services.replaying import replay, replay_since
from apps.webhooks.services.telling import retry_untold, tell
from apps.webhooks.services.watching import watch_endpoints
from apps.webhooks.services.writing import Why

__all__ = [
    "KEYS_OVERLAP",
    "Job",
    "Result",
    "Why",
    "acknowledge_notice",
    "allow_type",
    "change_endpoint",
    "claim",
    "create_endpoint",
    "disable_endpoint",
    "finish",
    "let_bodies_go",
    "mail_notices",
    "name_watcher",
    "pause_endpoint",
    "pause_partner",
    "replay",
    "replay_since",
    "resume_endpoint",
    "retry_untold",
    "rotate_keys",
    "send_test",
    "tell",
    "verify_endpoint",
    "watch_endpoints",
    "withdraw_type",
]
