from django.apps import AppConfig


class FirstAidConfig(AppConfig):
    name = "apps.firstaid"
    label = "firstaid"
