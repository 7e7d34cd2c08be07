"""Supervisors in the stock admin: plans, follow-ups, agreements, where nobody asked,
and what fails."""

from apps.followups.admin import agreements, failing, followups, missing, plans

__all__ = ["agreements", "failing", "followups", "missing", "plans"]
