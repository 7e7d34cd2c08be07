from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.db.transaction import TransactionManagementError

from apps.changes import scopes, services
from apps.changes.models import Binding, Change, Grant, Holding, Item, Member
from apps.changes.services import EVERYONE, Document, publish
from apps.core.ids import uuid7
from tests.integration.conftest import Elsewhere

NOON = datetime(2026, 3, 4, 20, tzinfo=UTC)
PEOPLE = [uuid7() for _ in range(3)]
TABLETS = [uuid7() for _ in range(3)]
UNITS = [scopes.unit(uuid7()) for _ in range(3)]


def grant(principal: UUID, *names: str) -> None:
    with transaction.atomic():
        services.grant(principal=principal, scopes=names)


def revoke(principal: UUID, *names: str) -> None:
    with transaction.atomic():
        services.revoke(principal=principal, scopes=names)


def bind(holder: UUID, principal: UUID | None) -> None:
    with transaction.atomic():
        services.bind(holder=holder, principal=principal)


def put(*names: str, id: UUID | None = None) -> UUID:
    document = Document("calls", id or uuid7(), frozenset(names), {})
    with transaction.atomic():
        publish(documents=[document], now=NOON)
    return document.id


def held(holder: UUID) -> set[str]:
    return set(Holding.objects.filter(holder=holder).values_list("scope", flat=True))


def sees(holder: UUID) -> set[UUID]:
    seen = Item.objects.filter(holder=holder, visible=True)
    return set(seen.values_list("doc_id", flat=True))


def changes() -> int:
    return Change.objects.count()


def assert_holdings_follow_the_people() -> None:
    must = {
        (binding.holder, scope)
        for binding in Binding.objects.all()
        for scope in Grant.objects.filter(principal=binding.principal).values_list(
            "scope", flat=True
        )
    }
    assert set(Holding.objects.values_list("holder", "scope")) == must


def test_a_grant_reaches_every_tablet_its_person_is_signed_in_on(transactional_db: None) -> None:
    document = put(UNITS[0])
    bind(TABLETS[0], PEOPLE[0])
    bind(TABLETS[1], PEOPLE[0])
    bind(TABLETS[2], PEOPLE[1])

    grant(PEOPLE[0], UNITS[0], UNITS[1])

    assert held(TABLETS[0]) == held(TABLETS[1]) == {UNITS[0], UNITS[1]}
    assert held(TABLETS[2]) == set()
    assert sees(TABLETS[0]) == sees(TABLETS[1]) == {document}

    revoke(PEOPLE[0], UNITS[0])

    assert held(TABLETS[0]) == {UNITS[1]}
    assert sees(TABLETS[0]) == set()


def test_granting_and_revoking_twice_publishes_nothing(transactional_db: None) -> None:
    bind(TABLETS[0], PEOPLE[0])
    grant(PEOPLE[0], UNITS[0])
    before = changes()
    grant(PEOPLE[0], UNITS[0])
    grant(PEOPLE[0])
    assert changes() == before

    revoke(PEOPLE[0], UNITS[0])
    before = changes()
    revoke(PEOPLE[0], UNITS[0])
    assert changes() == before


def test_signing_in_someone_else_swaps_what_the_two_do_not_share(transactional_db: None) -> None:
    first, shared, second = (put(unit) for unit in UNITS)
    grant(PEOPLE[0], UNITS[0], UNITS[1])
    grant(PEOPLE[1], UNITS[1], UNITS[2])
    bind(TABLETS[0], PEOPLE[0])
    assert sees(TABLETS[0]) == {first, shared}
    since = Item.objects.get(holder=TABLETS[0], doc_id=shared).seq

    bind(TABLETS[0], PEOPLE[1])

    assert sees(TABLETS[0]) == {shared, second}
    assert Item.objects.get(holder=TABLETS[0], doc_id=first).visible is False
    assert Item.objects.get(holder=TABLETS[0], doc_id=shared).seq == since  # not sent again


def test_signing_out_takes_everything(transactional_db: None) -> None:
    put(UNITS[0])
    grant(PEOPLE[0], UNITS[0], UNITS[1])
    bind(TABLETS[0], PEOPLE[0])

    bind(TABLETS[0], None)

    assert held(TABLETS[0]) == sees(TABLETS[0]) == set()
    assert not Binding.objects.filter(holder=TABLETS[0]).exists()


def test_signing_in_or_out_twice_publishes_nothing(transactional_db: None) -> None:
    grant(PEOPLE[0], UNITS[0])
    bind(TABLETS[0], PEOPLE[0])
    before = changes()
    bind(TABLETS[0], PEOPLE[0])
    assert changes() == before

    bind(TABLETS[0], None)
    before = changes()
    bind(TABLETS[0], None)
    assert changes() == before


def test_everyone_is_a_holder_from_the_start(transactional_db: None) -> None:
    assert held(EVERYONE) == {scopes.EVERYONE_SCOPE}
    document = put(scopes.EVERYONE_SCOPE)
    assert sees(EVERYONE) == {document}
    assert_holdings_follow_the_people()


def test_several_changes_of_people_in_one_transaction_end_in_the_last(
    transactional_db: None,
) -> None:
    with transaction.atomic():
        services.bind(holder=TABLETS[0], principal=PEOPLE[0])
        services.grant(principal=PEOPLE[0], scopes=UNITS)
        services.revoke(principal=PEOPLE[0], scopes=UNITS[:1])
        services.bind(holder=TABLETS[0], principal=PEOPLE[1])
        services.grant(principal=PEOPLE[1], scopes=UNITS[:2])
        services.bind(holder=TABLETS[0], principal=PEOPLE[0])

    assert held(TABLETS[0]) == set(UNITS[1:])
    assert_holdings_follow_the_people()


@pytest.mark.parametrize("verb", ["grant", "revoke", "bind"])
def test_the_verbs_belong_in_a_transaction(transactional_db: None, verb: str) -> None:
    calls: dict[str, Callable[[], None]] = {
        "grant": lambda: services.grant(principal=PEOPLE[0], scopes=UNITS),
        "revoke": lambda: services.revoke(principal=PEOPLE[0], scopes=UNITS),
        "bind": lambda: services.bind(holder=TABLETS[0], principal=None),
    }
    with pytest.raises(TransactionManagementError, match=verb):
        calls[verb]()


def test_a_grant_while_its_person_signs_in(transactional_db: None, elsewhere: Elsewhere) -> None:
    with transaction.atomic():
        services.grant(principal=PEOPLE[0], scopes=[UNITS[0]])
        sign_in = elsewhere.start(lambda: bind(TABLETS[0], PEOPLE[0]))
        elsewhere.until_waiting(sign_in)
    sign_in.result(timeout=60)

    assert held(TABLETS[0]) == {UNITS[0]}


def test_a_sign_in_while_its_person_is_granted(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    with transaction.atomic():
        services.bind(holder=TABLETS[0], principal=PEOPLE[0])
        granting = elsewhere.start(lambda: grant(PEOPLE[0], UNITS[0]))
        elsewhere.until_waiting(granting)
    granting.result(timeout=60)

    assert held(TABLETS[0]) == {UNITS[0]}


def test_a_revocation_while_its_person_is_signed_out(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    grant(PEOPLE[0], UNITS[0])
    grant(PEOPLE[1], UNITS[0])
    bind(TABLETS[0], PEOPLE[0])
    with transaction.atomic():
        services.revoke(principal=PEOPLE[1], scopes=[UNITS[0]])
        swap = elsewhere.start(lambda: bind(TABLETS[0], PEOPLE[1]))
        elsewhere.until_waiting(swap)
    swap.result(timeout=60)

    assert held(TABLETS[0]) == set()


def test_two_sign_ins_on_one_tablet(transactional_db: None, elsewhere: Elsewhere) -> None:
    grant(PEOPLE[0], UNITS[0])
    grant(PEOPLE[1], UNITS[1])
    with transaction.atomic():
        services.bind(holder=TABLETS[0], principal=PEOPLE[0])
        other = elsewhere.start(lambda: bind(TABLETS[0], PEOPLE[1]))
        elsewhere.until_waiting(other)
    other.result(timeout=60)

    assert held(TABLETS[0]) == {UNITS[1]}


def test_whoever_waits_too_long_for_a_person_gets_an_error(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    def impatient() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("set local lock_timeout = '50ms'")
            services.bind(holder=TABLETS[0], principal=PEOPLE[0])

    with transaction.atomic():
        services.grant(principal=PEOPLE[0], scopes=[UNITS[0]])
        with pytest.raises(OperationalError):
            elsewhere.do(impatient)


def test_a_rush_of_sign_ins_and_grants_leaves_every_tablet_with_its_persons_scopes(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    documents = [put(unit) for unit in UNITS]

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(60):
            person = dice.choice(PEOPLE)
            some = dice.sample(UNITS, dice.randint(1, 3))
            dice.choice(
                [
                    lambda: grant(person, *some),  # noqa: B023 - called at once
                    lambda: revoke(person, *some),  # noqa: B023
                    lambda: bind(dice.choice(TABLETS), dice.choice([*PEOPLE, None])),
                    lambda: put(*some, id=dice.choice(documents)),  # noqa: B023
                ]
            )()

    for future in [elsewhere.start(lambda seed=seed: work(seed)) for seed in range(4)]:
        future.result(timeout=60)

    assert_holdings_follow_the_people()
    for tablet in TABLETS:
        in_scope = Member.objects.filter(scope__in=held(tablet))
        assert sees(tablet) == set(in_scope.values_list("doc_id", flat=True))
