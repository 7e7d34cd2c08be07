"""What beat sends is there, and what waits for somebody's server waits in a queue of its own."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings

from config.celery import app

# Who talks to partners and to gateways of mail and text messages.
_OUTSIDE = {
    "webhooks.deliver": "webhooks",
    "webhooks.mail_notices": "notify",
    "notify.hand_over": "notify",
    "referrals.send_links": "notify",
}


def test_each_tick_is_a_task_and_expires_with_its_period() -> None:
    app.loader.import_default_modules()
    for name, entry in app.conf.beat_schedule.items():
        assert entry["task"] in app.tasks, name
        assert entry["options"]["expires"] == max(entry["schedule"], 1)


def test_who_waits_for_strangers_has_a_queue_and_nobody_else() -> None:
    assert {task: route["queue"] for task, route in settings.CELERY_TASK_ROUTES.items()} == _OUTSIDE


def test_nobody_else_sends_mail() -> None:
    """A new caller of a gateway belongs behind one of those tasks, and is named here."""
    callers = set()
    for config in apps.get_app_configs():
        if config.name.startswith("apps."):
            callers |= set(_callers(config.path, config.name))
    assert callers == {
        "apps.notify.channels",
        "apps.notify.handing",
        "apps.referrals.services.links.sending",
        "apps.webhooks.services.noticing",
    }


def _callers(folder: str, name: str) -> list[str]:
    found = []
    for path in Path(folder).rglob("*.py"):
        if re.search(r"send_mail\(|EmailMessage\(|channels\.hand_over\(", path.read_text()):
            parts = path.relative_to(folder).with_suffix("").parts
            found.append(".".join([name, *(part for part in parts if part != "__init__")]))
    return found
