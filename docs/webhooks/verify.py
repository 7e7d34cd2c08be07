"""Verifies a webhook of Carefield (Standard Webhooks 1.0.0). Needs nothing but Python.

event = verify(request.body, request.headers, secrets=["whsec_..."])
if not seen(request.headers["webhook-id"]):      # at least once: drop what you have
    handle(event)
"""

import base64
import hashlib
import hmac
import json
import time


class Rejected(Exception):
    """Answer 400: this did not come from Carefield, or not just now."""


def verify(body, headers, secrets, tolerance=300, now=None):
    """The event. `body`: the raw bytes as they came. `secrets`: the present one, and while keys
    are changed the next one too."""
    headers = {name.lower(): value for name, value in headers.items()}
    try:
        id, at = headers["webhook-id"], int(headers["webhook-timestamp"])
        sent = [s[3:] for s in headers["webhook-signature"].split() if s.startswith("v1,")]
    except (KeyError, ValueError):
        raise Rejected("a header is missing or wrong") from None
    if abs((time.time() if now is None else now) - at) > tolerance:
        raise Rejected("too old, or from the future")
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{id}.{at}.".encode() + body, hashlib.sha256)
        if any(hmac.compare_digest(base64.b64encode(digest).decode(), one) for one in sent):
            return json.loads(body)
    raise Rejected("no signature fits")
