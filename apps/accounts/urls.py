from django.urls import path

from apps.accounts import api

urlpatterns = [
    path("enrol", api.Enrol.as_view(), name="enrol"),
    path("sign-in", api.SignIn.as_view(), name="sign-in"),
    path("sign-out", api.SignOut.as_view(), name="sign-out"),
    path("socket-ticket", api.SocketTicket.as_view(), name="socket-ticket"),
    path("enrolment-codes", api.EnrolmentCodes.as_view(), name="enrolment-codes"),
    path("tablets/<uuid:tablet>/retire", api.RetireTablet.as_view(), name="retire-tablet"),
]
