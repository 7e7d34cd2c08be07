"""The directory in the stock admin."""

from apps.referrals.admin.directory import entries, services, tasks

__all__ = ["entries", "services", "tasks"]
