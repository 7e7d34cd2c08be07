"""The admin of referrals: what waits, consents, the accounting of disclosures, partners; the
directory."""

from apps.referrals.admin import consents, directory, links, partners, referrals

__all__ = ["consents", "directory", "links", "partners", "referrals"]
