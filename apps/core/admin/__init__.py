"""The admin: its site and its look behind one seam, its lists, and how times are read.

Rooms import from here alone. What is django-unfold's is in `look`, in `templates/` and in `static/`
of this app: who leaves it changes those, and nothing else.
"""

from apps.core.admin.endless import EndlessList, Related, Values, When
from apps.core.admin.look import ModelAdmin, Site, TabularInline
from apps.core.admin.text import (
    NOTHING,
    duration,
    in_words,
    moment,
    pretty,
    readable,
    story,
    table,
    when,
)

__all__ = [
    "NOTHING",
    "EndlessList",
    "ModelAdmin",
    "Related",
    "Site",
    "TabularInline",
    "Values",
    "When",
    "duration",
    "in_words",
    "moment",
    "pretty",
    "readable",
    "story",
    "table",
    "when",
]
