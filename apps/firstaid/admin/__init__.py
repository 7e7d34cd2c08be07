"""First aid in the stock admin."""

from apps.firstaid.admin import exports

__all__ = ["exports"]
