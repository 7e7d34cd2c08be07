"""What tablets see of referrals, consents and the directory, and what they may write."""

from apps.referrals.sync import cases as cases
from apps.referrals.sync import directory as directory
