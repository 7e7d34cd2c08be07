from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"
    label = "accounts"
    verbose_name = "People and tablets"

    def ready(self) -> None:
        """Makes the tokens known to OpenAPI."""
        import_module("apps.accounts.schema")
