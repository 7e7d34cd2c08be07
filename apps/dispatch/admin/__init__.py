"""Dispatch in the stock admin: incidents and held messages, units and crews, rules."""

from apps.dispatch.admin import crews, held, incidents, rules

__all__ = ["crews", "held", "incidents", "rules"]
