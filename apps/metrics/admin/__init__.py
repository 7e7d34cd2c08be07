"""Figures, what they were counted from, and what was given out of them."""

from apps.metrics.admin import dispatches, exports, packets

__all__ = ["dispatches", "exports", "packets"]
