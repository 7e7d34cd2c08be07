"""Supervisors and dispatchers in the stock admin: who has what, give it on, call it off, answer."""

from apps.assignments.admin import alerts, assignments, facts, support

__all__ = ["alerts", "assignments", "facts", "support"]
