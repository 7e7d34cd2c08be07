"""Where webhooks may go: every address that leads back to us, or nowhere, is refused."""

from __future__ import annotations

import pytest

from apps.webhooks.addresses import LONGEST_URL, Forbidden, check_url, vet

INSIDE = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.1.2.3", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    # What `ipaddress.is_global` of CPython 3.11 takes for public.
    *("2002:7f00:1::", "64:ff9b::7f00:1", "::127.0.0.1", "fec0::1"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "100::1", "2001::1"),
    *("2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1", "4000::1"),
    *("no address", "", "1.2.3", "0x7f000001", "017700000001"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    with pytest.raises(Forbidden):
        vet([address], private=False)


@pytest.mark.parametrize("address", INSIDE)
def test_one_bad_address_among_good_ones_refuses_the_name(address: str) -> None:
    with pytest.raises(Forbidden):
        vet(["8.8.8.8", address], private=False)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8"),
        *("2606:4700::1111", "2a00:1450::1", "2001:200::1", "2003::1"),
    ],
)
def test_a_public_address_is_dialled(address: str) -> None:
    assert vet([address], private=False) == address


def test_a_name_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(Forbidden):
        vet([], private=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_development_reaches_itself_and_nothing_else_inside(address: str) -> None:
    assert vet([address], private=True) == address
    with pytest.raises(Forbidden):
        vet([address, "10.0.0.1"], private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/hook",
        "ftp://partner.example/hook",
        "https:///hook",
        "https://user@partner.example/hook",
        "https://user:word@partner.example/hook",
        "https://@partner.example/hook",
        "https://partner.example/hook#here",
        "https://partner.example/#",
        "https://partner.example:0/",
        "https://partner.example:99999/",
        "https://partner.example/ hook",
        "https://partner.example/\r\nHost: other",
        "https://pärtner.example/",
        "https://[::1/",
        "partner.example",
        "",
        "https://partner.example/" + "x" * LONGEST_URL,
    ],
)
def test_an_address_of_the_wrong_form_is_refused(url: str) -> None:
    with pytest.raises(Forbidden) as refused:
        check_url(url, private=False)
    assert "partner" not in str(refused.value), "an address may hold a secret"


@pytest.mark.parametrize("port", [22, 80, 5432, 6379, 9797])
def test_production_calls_what_listens_where_receivers_do(port: int) -> None:
    with pytest.raises(Forbidden):
        check_url(f"https://partner.example:{port}/", private=False)
    check_url(f"https://partner.example:{port}/", private=True)


@pytest.mark.parametrize("url", ["https://partner.example", "https://h.example:8443/a?key=secret"])
def test_https_with_a_host_is_taken(url: str) -> None:
    check_url(url, private=False)


def test_http_is_for_development() -> None:
    check_url("http://127.0.0.1:9797/well", private=True)
