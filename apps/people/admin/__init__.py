"""The admin of people: persons, encounters with them, and who opened a record without a call."""

from apps.people.admin import encounters, glass, persons

__all__ = ["encounters", "glass", "persons"]
