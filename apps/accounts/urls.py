from django.urls import path

from apps.accounts import api

urlpatterns = [
    path("enrol", api.Enrol.as_view(), name="enrol"),
    path("sign-in", api.SignIn.as_view(), name="sign-in"),
    path("sign-out", api.SignOut.as_view(), name="sign-out"),
    path("socket-ticket", api.SocketTicket.as_view(), name="socket-ticket"),
    path("enrolment-codes", api.EnrolmentCodes.as_view(), name="enrolment-codes"),
    path("tablets/<uuid:tablet>/retire", api.RetireTablet.as_view(), name="retire-tablet"),
    path("tablets/<uuid:tablet>/lost", api.LostTablet.as_view(), name="lost-tablet"),
    path(
        "tablets/<uuid:tablet>/compromised",
        api.CompromisedTablet.as_view(),
        name="compromised-tablet",
    ),
    path("tablets/<uuid:tablet>/found", api.FoundTablet.as_view(), name="found-tablet"),
]
