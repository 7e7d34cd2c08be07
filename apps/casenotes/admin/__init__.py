"""Supervisors in the stock admin: the review queue, what is owed, notes and their history,
and the policies that they are judged by."""

from apps.casenotes.admin import addenda, debts, notes, policies, reports, reviews

__all__ = ["addenda", "debts", "notes", "policies", "reports", "reviews"]
