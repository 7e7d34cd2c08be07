"""What partners are told of referrals and the directory."""

from apps.referrals.events import cases as cases
from apps.referrals.events import directory as directory
