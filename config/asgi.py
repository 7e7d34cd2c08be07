"""ASGI entry point: HTTP to Django, `/ws/v1/` to the tablets' and desks' sockets."""

from __future__ import annotations

import gc
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402

from apps.core.asgi import HTTPHandler  # noqa: E402  (the apps must be loaded first)
from apps.live.routing import websockets  # noqa: E402
from apps.sync.gathered import PUSHES  # noqa: E402

# A thread that wants the interpreter asks for it after so long; Python's own 5 ms are longer than a
# round of the feed takes, which the tablets wait for while requests are worked on beside it.
sys.setswitchinterval(0.0005)

application = ProtocolTypeRouter({"http": HTTPHandler(PUSHES), "websocket": websockets})

# What is here now stays to the end: the collector need not go through all of it again and again,
# for a tenth of a second in which no tablet hears anything.
gc.collect()
gc.freeze()
