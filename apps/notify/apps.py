from importlib import import_module

from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "apps.notify"
    label = "notify"
    verbose_name = "Notifications"

    def ready(self) -> None:
        import_module("apps.notify.checks")
        import_module("apps.notify.readiness")
