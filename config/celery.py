"""The Celery application. Each app owns its ticks; this module only lists them.

Two beats are harmless: ticks are idempotent, claim their rows, and expire after one period.
"""

from __future__ import annotations

import os

from celery import Celery

from config.settings import (
    ESCALATION_TICK_SECONDS,
    FOLLOW_UP_TICK_SECONDS,
    LINK_TICK_SECONDS,
    NOTIFY_TICK_SECONDS,
    REFERRAL_TICK_SECONDS,
    WEBHOOK_TICK_SECONDS,
    WORKER_HEARTBEAT_SECONDS,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("carefield")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def tick(task: str, seconds: float) -> dict[str, object]:
    """A beat entry: a task by name and its period in seconds. A late message expires with it."""
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 1)}}


app.conf.beat_schedule = {
    "heartbeat": tick("core.heartbeat", WORKER_HEARTBEAT_SECONDS),
    "retry-parked": tick("changes.retry_parked", 5),
    "let-old-changes-go": tick("changes.let_old_go", 3600),
    "raise-due-alarms": tick("assignments.raise_due_alarms", ESCALATION_TICK_SECONDS),
    "ask-for-check-ins": tick("assignments.ask_for_check_ins", ESCALATION_TICK_SECONDS),
    "let-cleared-go": tick("assignments.let_cleared_go", 15),
    "close-broken-glass": tick("people.close_broken_glass", 15),
    "let-unlinked-persons-go": tick("people.let_unlinked_go", 60),
    "lock-notes": tick("casenotes.lock_due", 60),
    "remind-of-debts": tick("casenotes.remind_of_debts", 300),
    "remind-of-reports": tick("casenotes.remind_of_reports", 60),
    "take-early-signatures": tick("casenotes.take_early_signatures", 60),
    "end-old-sign-ins": tick("accounts.end_old_sign_ins", 60),
    "sweep-media": tick("sync.sweep_media", 3600),
    "take-waiting": tick("sync.take_waiting", 60),
    "link-early": tick("sync.link_early", 60),
    "set-aside-unseen": tick("sync.set_aside_unseen", 3600),
    "let-late-acts-go": tick("firstaid.let_late_go", 60),
    "watch-for-spikes": tick("firstaid.watch_for_spikes", 60),
    "tell-kits": tick("firstaid.tell_kits", 300),
    "remind-of-certificates": tick("firstaid.remind_of_certificates", 3600),
    "remind-of-referrals": tick("referrals.remind_due", REFERRAL_TICK_SECONDS),
    "send-links": tick("referrals.send_links", LINK_TICK_SECONDS),
    "let-closed-referrals-go": tick("referrals.let_closed_go", 60),
    "remind-of-follow-ups": tick("followups.remind", FOLLOW_UP_TICK_SECONDS),
    "deliver-webhooks": tick("webhooks.deliver", WEBHOOK_TICK_SECONDS),
    "tidy-webhooks": tick("webhooks.tidy", 60),
    "mail-notices": tick("webhooks.mail_notices", 60),
    "hand-over-messages": tick("notify.hand_over", NOTIFY_TICK_SECONDS),
    "let-old-messages-go": tick("notify.let_old_go", 3600),
    "tell-directory": tick("referrals.tell_directory", 3600),
    "watch-directory": tick("referrals.watch_directory", 3600),
    "follow-log": tick("metrics.follow_log", 15),
    "expire-held-messages": tick("dispatch.expire_held", 3600),
}
