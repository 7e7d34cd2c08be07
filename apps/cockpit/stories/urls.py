from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, path

from apps.audit.admin import in_city_time
from apps.cockpit.stories import views


def _story(name: str) -> URLPattern:
    page = in_city_time(admin.site.admin_view(getattr(views, name)))
    return path(f"story/{name}/<uuid:id>/", page, name=f"cockpit_{name}_story")


urlpatterns = [*map(_story, ("person", "encounter", "assignment"))]
