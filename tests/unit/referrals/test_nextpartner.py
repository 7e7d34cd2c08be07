from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from apps.referrals.clocks import OFFER
from apps.referrals.consenting import Grant
from apps.referrals.nextpartner import Asked, is_wanted, offers
from tests.factories import NOON

FIRST, SECOND, THIRD, STRANGER = (UUID(int=number) for number in range(1, 5))
NAMES = {FIRST: "A shelter", SECOND: "B shelter", THIRD: "C shelter"}
CONSENT = Grant(
    id=UUID(int=9),
    form="verbal",
    purpose="referral",
    recipients=frozenset({FIRST, SECOND, THIRD}),
    categories=frozenset({"needs"}),
    given_at=NOON,
    expires_at=NOON + timedelta(days=30),
    witness=True,
)
SILENT = Asked(FIRST, "requested", "answer", OFFER)


def offered(
    *asked: Asked, grants: tuple[Grant, ...] = (CONSENT,), fitting: tuple[UUID, ...] = ()
) -> list[UUID]:
    return offers(asked, grants=grants, partners=NAMES, fitting=fitting, now=NOON)


def test_nobody_while_the_first_has_time() -> None:
    assert offered(Asked(FIRST, "requested", "answer", OFFER - 1)) == []


def test_nobody_while_somebody_is_at_work() -> None:
    assert not is_wanted([SILENT, Asked(SECOND, "accepted", "outcome", 3)])


def test_nobody_once_it_is_served() -> None:
    assert not is_wanted(
        [Asked(FIRST, "rejected", "nothing", 0), Asked(SECOND, "completed", "", 0)]
    )


def test_the_next_once_time_is_up_or_it_was_declined() -> None:
    assert offered(SILENT) == [SECOND, THIRD]
    assert offered(Asked(FIRST, "rejected", "nothing", 0)) == [SECOND, THIRD]


def test_those_that_fit_come_first() -> None:
    assert offered(SILENT, fitting=(STRANGER, THIRD)) == [THIRD, SECOND]


def test_only_whom_a_consent_names_that_holds() -> None:
    assert offered(SILENT, grants=()) == []
    over = Grant(**{**CONSENT.__dict__, "revoked_at": NOON})
    assert offered(SILENT, grants=(over,)) == []


def test_nobody_who_was_asked_before() -> None:
    asked = (SILENT, Asked(SECOND, "rejected", "nothing", 0), Asked(THIRD, "failed", "nothing", 0))

    assert offered(*asked) == []


def test_what_was_never_sent_counts_for_nothing() -> None:
    assert not is_wanted([Asked(FIRST, "draft", "nothing", 0)])
