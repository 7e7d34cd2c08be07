"""What the sidebar offers a person: the pages that they may open, in groups, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.db.models.options import Options
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.text import capfirst


@dataclass(frozen=True)
class Place:
    """One line of the sidebar. `page` is a model (`people.person`), whose admin says who may open
    it, or the name of an address, which those in `roles` may."""

    title: str
    page: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Link:
    title: str
    address: str
    active: bool


@dataclass(frozen=True)
class Group:
    title: str
    links: Sequence[Link]


def shown(site: AdminSite, request: HttpRequest) -> list[Group]:
    """The groups with something in them for whoever asks."""
    groups = []
    for title, places in import_string(settings.NAVIGATION):
        links = [_link(place, request) for place in places if _may_open(place, site, request)]
        if links:
            groups.append(Group(title, links))
    return groups


def name_of(opts: Options[Any]) -> str:
    """What the pages of a model are called, by the sidebar: the same everywhere. One that has no
    place there by its own name."""
    named = (place for _, places in import_string(settings.NAVIGATION) for place in places)
    known = {place.page: place.title for place in named if not place.roles}
    found = known.get(f"{opts.app_label}.{opts.model_name}")
    return found or capfirst(str(opts.verbose_name_plural))


def _may_open(place: Place, site: AdminSite, request: HttpRequest) -> bool:
    if place.roles:
        return getattr(request.user, "role", "") in place.roles
    page = site.get_model_admin(apps.get_model(place.page))
    return bool(page.has_module_permission(request) and page.has_view_permission(request))


def _link(place: Place, request: HttpRequest) -> Link:
    is_model = not place.roles
    name = f"admin:{place.page.replace('.', '_')}_changelist" if is_model else place.page
    address = reverse(name)
    at = request.path == address or (is_model and request.path.startswith(address))
    return Link(place.title, address, at)
