from django.urls import path

from apps.sync import api

urlpatterns = [
    path("sync/<str:collection>/pull", api.Pull.as_view(), name="pull"),
    path("sync/<str:collection>/push", api.Push.as_view(), name="push"),
    path("schemas/<str:collection>", api.SchemaOf.as_view(), name="collection-schema"),
]
