"""What `manage.py check`, and so every start, says of the gateways that settings name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from apps.notify.channels import SENDERS


@checks.register
def senders(**kwargs: Any) -> list[checks.CheckMessage]:
    """A gateway that is not there would fail at each message, hours later."""
    found: list[checks.CheckMessage] = []
    for name in SENDERS.values():
        path = getattr(settings, name)
        try:
            fine = not path or callable(import_string(path))
        except ImportError:
            fine = False
        if not fine:
            found.append(checks.Error(f"{name} names no function that is here.", id="notify.E1"))
    return found
