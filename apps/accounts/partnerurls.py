"""Pages for a partner's people, below `/partner/`."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from apps.accounts.partnerpages import PartnerSignIn

urlpatterns = [
    path("sign-in", PartnerSignIn.as_view(), name="partner-sign-in"),
    path("sign-out", LogoutView.as_view(next_page="partner-sign-in"), name="partner-sign-out"),
]
