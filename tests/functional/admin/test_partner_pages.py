"""A partner's person signs in to the pages for partners, in a real browser."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from tests.browser import Chromium
from tests.factories import PASSWORD, person
from tests.processes import Server

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_browser_sends_the_form_with_its_origin(shared: Server, chromium: Chromium) -> None:
    """Under the referrer policy `no-referrer` it would say `Origin: null`, and be turned away."""
    user = person(Role.PARTNER, password=True)
    assert user.partner is not None
    page = chromium.page()

    def sign_in() -> str:
        page.goto(f"{shared.url}/partner/sign-in")
        page.locator("[name=username]").fill(user.username)
        page.locator("[name=password]").fill(PASSWORD)
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        return page.locator("body").inner_text()

    assert user.partner.name in chromium.do(sign_in)
    chromium.do(page.context.close)
