"""Where a partner's people sign in, and the guard of every page that is for them.

They are nobody of ours: no endpoint and no page of the admin takes their session.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from apps.accounts.models import Partner, Role, User
from apps.accounts.throttles import seconds_to_wait

HOME = "/partner/"


def partner_of_person(user: object) -> Partner | None:
    """The partner whose person this is; None for anybody else, or one that is shut out."""
    ours = isinstance(user, User) and user.is_active and user.role == Role.PARTNER
    partner = user.partner if ours and isinstance(user, User) else None
    return partner if partner is not None and partner.is_active else None


def partner_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for a partner's people: the view is given the partner after the request. Whoever else
    comes is sent to sign in."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        partner = partner_of_person(request.user)
        if partner is None:
            return redirect_to_login(request.path, reverse("partner-sign-in"))
        if (seconds := seconds_to_wait(request, partner)) is not None:
            text = "Too many pages were asked for. Please wait a moment."
            return HttpResponse(text, status=429, headers={"Retry-After": str(seconds)})
        return view(request, partner, *args, **kwargs)

    return page


class PartnerSignInForm(AuthenticationForm):
    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if partner_of_person(user) is None:
            text = "This page is for partners. Staff sign in at the desk or on a tablet."
            raise forms.ValidationError(text, code="no_partner")


class PartnerSignIn(LoginView):
    """Name and password; failures are counted and locked out as everywhere."""

    authentication_form = PartnerSignInForm
    template_name = "accounts/partner_sign_in.html"
    next_page = HOME
