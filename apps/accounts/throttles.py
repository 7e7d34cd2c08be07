"""Pace of guesses at enrolment codes. The code's 50 bits are the protection; this is the fence."""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle


class EnrolmentThrottle(AnonRateThrottle):
    """20 attempts a minute and address. With Redis away it lets pass: tablets must enrol."""

    scope = "enrol"
    rate = "20/min"

    def get_rate(self) -> str:
        return self.rate

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError):
            return True
