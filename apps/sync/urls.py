from django.urls import path

from apps.sync import api, api_ledger, api_records, api_roundtrip, api_tablets
from apps.sync.media.api import Media

urlpatterns = [
    path("sync", api_roundtrip.RoundTrip.as_view(), name="round-trip"),
    path("sync/<str:collection>/pull", api.Pull.as_view(), name="pull"),
    path("sync/<str:collection>/push", api.Push.as_view(), name="push"),
    path("sync/<str:collection>/digest", api_ledger.DigestOf.as_view(), name="digest"),
    path("sync/outbox", api_ledger.Outbox.as_view(), name="outbox"),
    path("sync/purged", api_ledger.Purged.as_view(), name="purged"),
    path(
        "sync/<str:collection>/<uuid:document>/versions",
        api_records.Versions.as_view(),
        name="versions",
    ),
    path(
        "sync/<str:collection>/<uuid:document>/versions/<uuid:version>/restore",
        api_records.RestoreVersion.as_view(),
        name="restore-version",
    ),
    path("conflicts", api_records.Conflicts.as_view(), name="conflicts"),
    path(
        "conflicts/<uuid:conflict>/settle",
        api_records.SettleConflict.as_view(),
        name="settle-conflict",
    ),
    path("quarantine", api_records.Quarantine.as_view(), name="quarantine"),
    path("quarantine/<uuid:write>", api_records.OneQuarantined.as_view(), name="quarantined"),
    path(
        "quarantine/<uuid:write>/acknowledge",
        api_records.AcknowledgeQuarantined.as_view(),
        name="acknowledge-quarantined",
    ),
    path(
        "quarantine/<uuid:write>/apply",
        api_records.ApplyQuarantined.as_view(),
        name="apply-quarantined",
    ),
    path("media/<str:sha256>", Media.as_view(), name="media"),
    path("tablets", api_tablets.Tablets.as_view(), name="tablets"),
    path("purge-receipts", api_tablets.PurgeReceipts.as_view(), name="purge-receipts"),
    path("schemas/<str:collection>", api.SchemaOf.as_view(), name="collection-schema"),
]
