"""django-unfold is known in one place: who leaves it changes that and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from django.contrib import admin
from django.contrib.staticfiles import finders

from config.navigation import GROUPS

ROOT = Path(__file__).resolve().parents[2]
# What knows it: an import, a library of its template tags, a template or a file of its own.
KNOWS = re.compile(
    r"^\s*(?:import|from)\s+unfold\b|\{%\s*load\s[^%]*\bunfold|[\"']unfold/", re.MULTILINE
)


def knowing(pattern: str) -> set[str]:
    """The files of the product with such a name that know unfold."""
    found = [*(ROOT / "apps").rglob(pattern), *(ROOT / "config").rglob(pattern)]
    return {str(one.relative_to(ROOT)) for one in found if KNOWS.search(one.read_text())}


def test_one_module_imports_unfold() -> None:
    assert knowing("*.py") == {"apps/core/admin/look.py"}


def test_the_templates_that_know_it_stand_in_place_of_its_own() -> None:
    templates = knowing("*.html")
    assert templates
    assert all(name.startswith("apps/core/templates/") for name in templates)


def test_no_script_of_a_page_makes_functions_of_strings() -> None:
    """Unfold brings an Alpine that does; ours stands before it."""
    found = finders.find("unfold/js/alpine/alpine.js")
    assert found == str(ROOT / "apps/core/static/unfold/js/alpine/alpine.js")
    assert not re.search(r"new Function|AsyncFunction", Path(found).read_text())


def test_every_page_of_a_model_is_in_the_sidebar_once() -> None:
    listed = [place.page for _, places in GROUPS for place in places if not place.roles]
    pages = [model._meta.label_lower for model in admin.site._registry]
    assert sorted(listed) == sorted(pages)
