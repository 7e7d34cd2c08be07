"""Who may be told what: consents as the rules read them, and what each basis opens. Pure."""

from apps.referrals.consenting.bases import BASIS_RULES, lacking, opened_by_basis
from apps.referrals.consenting.grants import Grant, in_force, opens, problems
from apps.referrals.consenting.necessary import MINIMUM, necessary_for
from apps.referrals.consenting.statements import RULES_OF_PART_2, SHORT_STATEMENT

__all__ = [
    "BASIS_RULES",
    "MINIMUM",
    "RULES_OF_PART_2",
    "SHORT_STATEMENT",
    "Grant",
    "in_force",
    "lacking",
    "necessary_for",
    "opened_by_basis",
    "opens",
    "problems",
]
