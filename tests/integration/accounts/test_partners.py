"""Partners: their tokens, their people, and that neither is anybody of ours."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import path

from apps.accounts import services
from apps.accounts.auth import partner_of
from apps.accounts.models import Partner, Role, User
from apps.accounts.partnerpages import partner_page
from apps.audit.models import Entry
from apps.audit.services import SYSTEM
from config.urls import urlpatterns as every_address
from tests.factories import NOON, PASSWORD, partner, person

pytestmark = pytest.mark.django_db
SIGN_IN = "/partner/sign-in"


@partner_page
def own_name(request: HttpRequest, partner: Partner) -> HttpResponse:
    return HttpResponse(partner.name)


urlpatterns = [path("probe/partner/", own_name), *every_address]


def test_a_token_is_changed_without_a_gap_and_ends_with_its_partner() -> None:
    old, shelter = partner()
    new = services.issue_partner_token(partner=shelter, by=SYSTEM, now=NOON)
    assert partner_of(old) == partner_of(new) == shelter
    assert services.revoke_older_partner_tokens(partner=shelter, by=SYSTEM, now=NOON) == 1
    assert (partner_of(old), partner_of(new)) == (None, shelter)
    shelter.is_active = False
    services.save_partner(partner=shelter, by=SYSTEM, now=NOON)
    assert partner_of(new) is None
    acts = Entry.objects.about(shelter.pk).values_list("action", "subject_type")
    assert set(acts) == {
        ("create", "partner"),
        ("create", "partner_token"),
        ("revoke", "partner_token"),
        ("update", "partner"),
    }


@pytest.mark.parametrize(
    "wrong",
    [{"partner": None}, {"is_staff": True}, {"is_superuser": True}, {"role": Role.SUPERVISOR}],
)
def test_the_database_keeps_a_partners_people_apart(wrong: dict[str, object]) -> None:
    user = person(Role.PARTNER)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(**wrong)


@pytest.mark.urls(__name__)
def test_a_partners_person_signs_in_to_the_partners_pages_and_to_nothing_else() -> None:
    user = person(Role.PARTNER, password=True)
    browser = Browser()
    sent = browser.get("/probe/partner/")
    assert sent["Location"] == f"{SIGN_IN}?next=/probe/partner/"
    told = {"username": user.username, "password": PASSWORD, "next": "/probe/partner/"}
    assert browser.post(SIGN_IN, told)["Location"] == "/probe/partner/"
    assert user.partner
    assert browser.get("/probe/partner/").content.decode() == user.partner.name
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")
    assert "Please enter the correct username" in (
        Browser().post("/admin/login/", told).content.decode()
    )
    user.partner.is_active = False
    services.save_partner(partner=user.partner, by=SYSTEM, now=NOON)
    assert browser.get("/probe/partner/").status_code == 302


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("role", [r for r in Role.values if r != Role.PARTNER])
def test_nobody_of_ours_signs_in_as_a_partner(role: str) -> None:
    user = person(role, password=True)
    browser = Browser()
    answer = browser.post(SIGN_IN, {"username": user.username, "password": PASSWORD})
    assert "This page is for partners" in answer.content.decode()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/probe/partner/").status_code == 302


def test_a_partner_is_made_and_given_tokens_in_the_admin() -> None:
    browser = Browser()
    browser.force_login(
        person(Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend"
    )
    pages = "/admin/accounts/partner/"
    browser.post(f"{pages}add/", {"name": "DESC", "is_active": "on"})
    shelter = Partner.objects.get(name="DESC")
    chosen = {"_selected_action": [str(shelter.pk)]}
    shown = browser.post(pages, {"action": "new_token", **chosen}, follow=True).content.decode()
    token = re.search(r"cfp_[\w-]+", shown)
    assert token
    assert partner_of(token[0]) == shelter
    assert token[0] not in browser.get(pages).content.decode()
    browser.post(pages, {"action": "new_token", **chosen})
    shown = browser.post(pages, {"action": "revoke_older", **chosen}, follow=True).content.decode()
    assert "1 revoked." in shown
    assert partner_of(token[0]) is None


def test_an_account_for_a_partners_person_needs_the_partner() -> None:
    _, shelter = partner()
    browser = Browser()
    browser.force_login(
        person(Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend"
    )
    told = {
        "username": "intake",
        "display_name": "Intake desk",
        "role": Role.PARTNER,
        "is_active": "on",
        "new_password": "a long enough one",
    }
    pages = "/admin/accounts/user/add/"
    assert "Say which partner" in browser.post(pages, told).content.decode()
    assert browser.post(pages, told | {"partner": str(shelter.pk)}).status_code == 302
    user = User.objects.get(username="intake")
    assert (user.partner, user.is_staff) == (shelter, False)
