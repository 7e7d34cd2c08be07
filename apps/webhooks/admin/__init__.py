"""The admin of webhooks: endpoints and what is done with them, what was sent, warnings, and who may
ask for what."""

from apps.webhooks.admin import allowances, deliveries, endpoints, notices

__all__ = ["allowances", "deliveries", "endpoints", "notices"]
