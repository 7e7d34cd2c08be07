"""A server of seven threads whose tablets stand in a line of ten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.core.asgi import views
from tests.integration.core.asgi.views import MOST, told, work


@pytest.fixture(autouse=True)
def _here(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = views.__name__
    settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = MOST
    settings.REQUEST_THREADS = 7
    settings.REQUEST_QUEUE = 10
    told.clear()
    work.begin()
    yield
    work.go.set()
