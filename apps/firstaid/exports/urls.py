from django.urls import path

from apps.firstaid.exports import api

urlpatterns = [
    path("exports/nemsis", api.ExportNemsis.as_view(), name="export-nemsis"),
    path("exports/odmap", api.ExportOdmap.as_view(), name="export-odmap"),
    path("exports/naloxone-improved", api.NaloxoneImproved.as_view(), name="naloxone-improved"),
]
