from django.urls import path

from apps.firstaid import api

urlpatterns = [
    path("encounters/<uuid:encounter>/doses", api.EncounterDoses.as_view(), name="doses"),
    path("stock", api.Stock.as_view(), name="stock"),
    path("lots/<uuid:lot>/recall", api.LotRecall.as_view(), name="recall"),
]
