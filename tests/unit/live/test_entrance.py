from __future__ import annotations

from typing import Any

import pytest

from apps.live.entrance import Entrance, Refused, entrance


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["care.example.org"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://desk.example.org"]


def knock(**headers: str) -> Entrance:
    given = {"host": "care.example.org"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return entrance({"headers": [(k.encode(), v.encode()) for k, v in given.items()]})


def test_a_tablet_sends_a_bearer_and_no_origin() -> None:
    assert knock(authorization="Bearer cft_x").bearer == "cft_x"


def test_a_browser_of_the_same_origin_brings_its_session() -> None:
    found = knock(origin="https://care.example.org", cookie="sessionid=abc; other=1")
    assert found.session_key == "abc"


def test_an_origin_that_is_trusted_by_name_counts_as_ours() -> None:
    assert knock(origin="https://desk.example.org", cookie="sessionid=abc").session_key == "abc"


def test_without_an_origin_cookies_do_not_count() -> None:
    assert knock(cookie="sessionid=abc").session_key is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.org",
        "https://care.example.org.evil.org",
        "https://care.example.org:8443",
        "null",
        "",
        "file://",
        "ftp://care.example.org",
    ],
)
@pytest.mark.parametrize("credential", [{"cookie": "sessionid=a"}, {"authorization": "Bearer x"}])
def test_a_foreign_origin_is_refused_whatever_it_brings(
    origin: str, credential: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        knock(origin=origin, **credential)


@pytest.mark.parametrize("host", ["evil.example.org", ""])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(Refused):
        knock(host=host, authorization="Bearer x")


@pytest.mark.parametrize("value", ["Basic x", "Bearer", "Bearer  ", "cft_x"])
def test_what_is_no_bearer_is_no_credential(value: str) -> None:
    assert knock(authorization=value).bearer is None
