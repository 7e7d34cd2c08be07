"""Supervisors in the stock admin: the review queue, what is owed, notes and their history."""

from apps.casenotes.admin import addenda, debts, notes, reviews

__all__ = ["addenda", "debts", "notes", "reviews"]
