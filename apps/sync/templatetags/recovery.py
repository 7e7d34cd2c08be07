"""What the admin's index says of a recovery, above everything else."""

from __future__ import annotations

from typing import Any

from django import template

from apps.accounts.models import OVERSEERS, User
from apps.sync import recovery, tablets

register = template.Library()


@register.inclusion_tag("sync/recovery.html")
def recovery_banner(user: User) -> dict[str, Any]:
    """That the server was put back in time is for everybody at a desk, above all for those who give
    calls; who is awaited, and who only says that it was, for those who answer for tablets."""
    told: dict[str, Any] = {"set_back": recovery.set_back()}
    if user.role in OVERSEERS:
        mine = tablets.seen_by(user)
        told |= {"awaited": recovery.awaited(mine), "claims": recovery.claimed(mine)}
    return told
