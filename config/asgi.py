"""ASGI entry point: HTTP to Django, `/ws/v1/` to the tablets' and desks' sockets."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_http = get_asgi_application()

from apps.live.routing import websockets  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402  (apps must be loaded first)

application = ProtocolTypeRouter({"http": _http, "websocket": websockets})
