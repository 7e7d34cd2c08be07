"""What tablets see of follow-ups and agreements, and what they may tell."""

from apps.followups.sync import agreements as agreements
from apps.followups.sync import followups as followups
