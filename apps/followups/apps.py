from importlib import import_module

from django.apps import AppConfig


class FollowUpsConfig(AppConfig):
    name = "apps.followups"
    label = "followups"
    verbose_name = "follow-ups"

    def ready(self) -> None:
        import_module("apps.followups.readiness")
