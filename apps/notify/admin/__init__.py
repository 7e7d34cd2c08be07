"""The admin's pages of hours, contact points and messages."""

from apps.notify.admin import messages, points, teamhours  # noqa: F401
