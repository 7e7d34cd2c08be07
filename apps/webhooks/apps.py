from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WebhooksConfig(AppConfig):
    name = "apps.webhooks"
    label = "webhooks"
    verbose_name = "Events to partners"

    def ready(self) -> None:
        # Each app's `events.py` registers what partners are told.
        autodiscover_modules("events")
        import_module("apps.webhooks.readiness")
