from django.urls import path

from apps.casenotes import api

urlpatterns = [
    path("casenotes/debts", api.Debts.as_view(), name="debts"),
    path("casenotes/<uuid:note>", api.OneNote.as_view(), name="case-note"),
    path("quarantine/<uuid:write>/addendum", api.AddRefused.as_view(), name="add-refused"),
    path("encounters/<uuid:encounter>/handover", api.Handover.as_view(), name="handover"),
    path(
        "encounters/<uuid:encounter>/handover/page",
        api.HandoverPage.as_view(),
        name="handover-page",
    ),
]
