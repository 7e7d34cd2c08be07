from django.apps import AppConfig
from django.contrib.admin import apps as stock


class CoreConfig(AppConfig):
    name = "apps.core"
    label = "core"
    verbose_name = "Operations"
    default = True


class AdminConfig(stock.AdminConfig):
    default = False
    default_site = "apps.core.admin.Site"
