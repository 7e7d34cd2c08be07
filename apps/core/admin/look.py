"""The admin's look: the one module that knows django-unfold.

To import unfold renders a template, and that loads every library of template tags: none of ours
imports the admin of a room.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import unfold.admin
import unfold.sites
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver

from apps.core.admin import navigation

# Blue by its shades, for what is chosen or can be clicked.
_BLUE: Final = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}

M = TypeVar("M", bound=models.Model)
P = TypeVar("P", bound=models.Model)


class ModelAdmin(unfold.admin.ModelAdmin, admin.ModelAdmin[M]):  # type: ignore[misc]
    """What every page of a model begins with."""

    list_filter_sheet = True


class TabularInline(unfold.admin.TabularInline, admin.TabularInline[M, P]):  # type: ignore[misc]
    """Rows of another model within a page."""


class Site(unfold.sites.UnfoldAdminSite):  # type: ignore[misc]
    """The one admin site (`apps.core.apps.AdminConfig` names it)."""

    site_header = "Carefield"
    site_title = "Carefield"
    index_title = "Crisis response"
    site_url = None  # there is no other site to view
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without unfold's search over all pages, which nobody here has."""
        return [one for one in super().get_urls() if getattr(one, "name", "") != "search"]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        every = super().each_context(request)
        return {
            **every,
            "site_title": self.site_title,
            "site_header": self.site_header,
            "site_url": self.site_url,
            "show_history": False,  # the audit log is
            "colors": {**every["colors"], "primary": _BLUE},
            "styles": [static("core/admin.css")],
            "scripts": [static("core/admin.js")],
        }

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The groups of the sidebar, as unfold's templates read them."""
        return [
            {
                "title": group.title,
                "items": [
                    {
                        "title": link.title,
                        "link": link.address,
                        "active": link.active,
                        "has_permission": True,
                    }
                    for link in group.links
                ],
            }
            for group in navigation.shown(self, request)
        ]
