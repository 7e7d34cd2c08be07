"""Addresses of the board, below /admin/."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from apps.cockpit.board import pages

urlpatterns = [
    path("", admin.site.admin_view(pages.home), name="cockpit_home"),
    path("board/picture", pages.picture_now, name="cockpit_picture"),
    path("board/aside", pages.aside, name="cockpit_aside"),
    path("board/waiting", pages.waiting_now, name="cockpit_waiting"),
    path("desk/", pages.desk, name="cockpit_desk"),
    path("board/area", pages.area_now, name="cockpit_area"),
]
