"""First aid in the stock admin."""

from apps.firstaid.admin import acts, exports, stock, training

__all__ = ["acts", "exports", "stock", "training"]
