from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ChangesConfig(AppConfig):
    name = "apps.changes"
    label = "changes"

    def ready(self) -> None:
        # Each app's `reactions.py` registers what it does when another app publishes.
        autodiscover_modules("reactions")
        # And its `logreaders.py`, how far it has read the log: see `retention`.
        autodiscover_modules("logreaders")
