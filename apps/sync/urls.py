from django.urls import path

from apps.sync import api, api_ledger

urlpatterns = [
    path("sync/<str:collection>/pull", api.Pull.as_view(), name="pull"),
    path("sync/<str:collection>/push", api.Push.as_view(), name="push"),
    path("sync/<str:collection>/digest", api_ledger.DigestOf.as_view(), name="digest"),
    path("sync/outbox", api_ledger.Outbox.as_view(), name="outbox"),
    path("sync/purged", api_ledger.Purged.as_view(), name="purged"),
    path("schemas/<str:collection>", api.SchemaOf.as_view(), name="collection-schema"),
]
