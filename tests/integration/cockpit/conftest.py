"""A team at work, and a browser without scripts at its supervisor's desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.integration.assignments.conftest import world

__all__ = ["world"]


@pytest.fixture
def at_desk() -> Callable[[User], Client]:
    """Signs a person in at the admin."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
