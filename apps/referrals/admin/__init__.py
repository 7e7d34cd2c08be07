"""The admin of referrals: what waits, consents, the accounting of disclosures, partners; the
directory."""

from apps.referrals.admin import consents, directory, partners, referrals

__all__ = ["consents", "directory", "partners", "referrals"]
