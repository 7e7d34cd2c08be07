"""The admin of referrals: what waits, consents, the accounting of disclosures, partners."""

from apps.referrals.admin import consents, partners, referrals

__all__ = ["consents", "partners", "referrals"]
