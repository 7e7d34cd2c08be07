"""Pace of guesses at enrolment codes, and of a partner's systems.

A code's 50 bits are the protection; the pace is the fence. A partner's token is good for nothing
but its own referrals; the pace keeps a loop in its program from taking the threads of all others.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, SimpleRateThrottle

from apps.accounts.models import Partner


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


class PartnerThrottle(SimpleRateThrottle):
    """Of one partner, over all its tokens and addresses. Nobody else is counted. With Redis away it
    lets pass: a referral is answered."""

    scope = "partner"

    def get_rate(self) -> str:
        return f"{settings.PARTNER_REQUESTS_A_MINUTE}/min"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        partner: object = request.auth
        if not isinstance(partner, Partner):
            return None
        return self.cache_format % {"scope": self.scope, "ident": partner.pk}

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError):
            return True


class PageThrottle(SimpleRateThrottle):
    """300 pages a minute of one partner that is signed in, or of one address that nobody has signed
    in from: a program that walks pages keeps no thread from whoever reads them. With Redis away it
    lets pass."""

    scope = "page"
    rate = "300/min"

    def get_rate(self) -> str:
        return self.rate

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": view or self.get_ident(request)}


class TrialThrottle(SimpleRateThrottle):
    """What is dear to count, for one person: each takes one process for some seconds. With Redis
    away it lets pass."""

    scope = "trial"
    rate = "20/hour"

    def get_rate(self) -> str:
        return self.rate

    def get_cache_key(self, request: Request, view: Any) -> str:
        return self.cache_format % {"scope": self.scope, "ident": request.user.pk}


def seconds_until_trial(request: HttpRequest) -> int | None:
    """How long until this person may have something dear counted again; None: now."""
    return _seconds(TrialThrottle(), request, None)


def seconds_to_wait(request: HttpRequest, partner: Partner | None = None) -> int | None:
    """How long until this page may be asked for; None: now."""
    return _seconds(PageThrottle(), request, partner and partner.pk)


def _seconds(throttle: SimpleRateThrottle, request: HttpRequest, whose: Any) -> int | None:
    asked: Any = request  # a page's request has what is looked at
    try:
        passes = throttle.allow_request(asked, whose)
    except (RedisError, OSError):
        return None
    return None if passes else ceil(throttle.wait() or 60)
