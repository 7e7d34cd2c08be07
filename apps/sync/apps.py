from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SyncConfig(AppConfig):
    name = "apps.sync"
    label = "sync"
    verbose_name = "Tablets' data"

    def ready(self) -> None:
        from apps.sync import registry  # noqa: PLC0415  (models must be loaded first)
        from apps.sync.collections import FACTS, QUARANTINE  # noqa: PLC0415

        registry.register(FACTS)
        registry.register(QUARANTINE)
        # Each app's `sync.py` registers what a tablet sees of it and may write.
        autodiscover_modules("sync")
