"""What the pages of a model are called."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models.options import Options

from apps.core.admin.navigation import name_of

register = template.Library()


@register.filter
def place_name(opts: Options[Any]) -> str:
    """The title of a model's list, by its place in the sidebar."""
    return name_of(opts)
