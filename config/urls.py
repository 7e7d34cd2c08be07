"""Addresses. Each app lists its own; `/api/v1/` is the only version there is."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core import health

handler403 = "apps.core.problems.forbidden"
handler404 = "apps.core.problems.not_found"
handler500 = "apps.core.problems.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health.live, name="live"),
    path("readyz", health.ready, name="ready"),
    path("admin/", include("apps.cockpit.urls")),
    path("admin/", admin.site.urls),
    path("partner/", include("apps.accounts.partnerurls")),
    path("", include("apps.webhooks.pageurls")),
    path("r/", include("apps.referrals.pages.urls")),
    path("fhir/r4/", include("apps.referrals.fhirurls")),
    path("api/v1/", include("apps.accounts.urls")),
    path("api/v1/", include("apps.sync.urls")),
    path("api/v1/", include("apps.webhooks.urls")),
    path("api/v1/", include("apps.dispatch.urls")),
    path("api/v1/", include("apps.assignments.urls")),
    path("api/v1/", include("apps.people.urls")),
    path("api/v1/", include("apps.casenotes.urls")),
    path("api/v1/", include("apps.firstaid.urls")),
    path("api/v1/", include("apps.firstaid.exports.urls")),
    path("api/v1/", include("apps.referrals.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
