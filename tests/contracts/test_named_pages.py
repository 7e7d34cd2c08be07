"""Pages that the documents name are called so in the sidebar, where their reader looks for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.utils.text import capfirst

from apps.core.admin.navigation import name_of
from config.navigation import GROUPS

ROOT = Path(__file__).resolve().parents[2]
TITLES = {place.title for _, places in GROUPS for place in places}
# What the program calls rows of a model, where the sidebar calls their list otherwise.
OTHERWISE = {
    capfirst(str(name))
    for model in admin.site._registry
    for name in (model._meta.verbose_name, model._meta.verbose_name_plural)
} - TITLES


@pytest.mark.parametrize(
    "document", ["README.md", "docs/runbook.md", "docs/followups.md", "docs/policies.md"]
)
def test_are_called_as_in_the_sidebar(document: str) -> None:
    text = (ROOT / document).read_text()
    emphasised = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", text))
    pages = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?: and \*[^*]+\*)? in the admin", text))
    assert emphasised & OTHERWISE == set()
    assert pages <= TITLES


def test_a_list_has_the_title_that_led_to_it() -> None:
    lists = [place for _, places in GROUPS for place in places if not place.roles]
    assert [name_of(apps.get_model(one.page)._meta) for one in lists] == [
        one.title for one in lists
    ]
