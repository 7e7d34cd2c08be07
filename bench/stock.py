"""The product under Django's own ASGI handler: what `apps.core.asgi` is measured beside."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from django.core.handlers.asgi import ASGIHandler  # noqa: E402  (the apps must be loaded first)

application = ASGIHandler()
