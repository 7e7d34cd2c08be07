from django.urls import path

from apps.people import api

urlpatterns = [
    path("people/search", api.Search.as_view(), name="search-people"),
    path("people/<uuid:person>", api.OnePerson.as_view(), name="person"),
    path("people/<uuid:person>/page", api.PersonPage.as_view(), name="person-page"),
    path("people/<uuid:person>/open", api.Open.as_view(), name="break-glass"),
    path("people/<uuid:person>/merge", api.Merge.as_view(), name="merge-person"),
    path("people/<uuid:person>/unmerge", api.Unmerge.as_view(), name="unmerge-person"),
    path("encounters/<uuid:encounter>", api.OneEncounter.as_view(), name="encounter"),
]
