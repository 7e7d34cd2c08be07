"""Prepares the demo's database: schema, rights, reference data, the team and its shift.

    python -m apps.simulator.seed FOLDER      # keeps the password and the CAD's token there

Everything is done through the services of the rooms, and nothing is done twice: a second run only
looks. It refuses to work on a production's database, because it makes accounts.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402  (the apps must be loaded first)
from django.contrib.auth.hashers import check_password, make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402

from apps.accounts.models import (  # noqa: E402
    Client,
    ClientToken,
    Partner,
    PartnerToken,
    Role,
    Team,
    User,
)
from apps.accounts.services import (  # noqa: E402
    create_client,
    create_partner,
    create_team,
    issue_client_token,
    issue_partner_token,
    save_partner,
    save_user,
)
from apps.accounts.tokens import token_hash  # noqa: E402
from apps.audit.services import SYSTEM  # noqa: E402
from apps.core import clock  # noqa: E402
from apps.dispatch.models import Agency, CrewMember, Shift, Unit  # noqa: E402
from apps.dispatch.services import join_crew, load_reference, save_unit, start_shift  # noqa: E402
from apps.firstaid.models import Kit, Lot, Product, StockMovement  # noqa: E402
from apps.firstaid.services import issue, receive, save_kit, save_lot, save_product  # noqa: E402
from apps.notify.models import Channel, ContactPoint, Level, TeamHours  # noqa: E402
from apps.notify.services.keeping import save_contact_point, save_hours  # noqa: E402
from apps.referrals.models import Organization, PartnerContact  # noqa: E402
from apps.referrals.services.directory import import_hsds, save_organization  # noqa: E402
from apps.referrals.services.links import note_contact  # noqa: E402
from apps.simulator import agencies, bag  # noqa: E402
from apps.simulator import team as cast  # noqa: E402
from apps.simulator.calls import CARE  # noqa: E402

SHIFT = timedelta(hours=12)
LEFT_OF_SHIFT = timedelta(hours=1)


def main(folder: Path) -> None:
    """Bring the database to where the demo can begin."""
    if settings.PRODUCTION:
        raise SystemExit("The demo makes accounts: it does not run on a production's database.")
    migrate()
    now = clock.now()
    load_reference(by=SYSTEM, now=now)
    import_hsds(payload=agencies.directory(now.astimezone(clock.city()).date()), by=SYSTEM, now=now)
    team = Team.objects.filter(name=cast.TEAM).first() or create_team(
        name=cast.TEAM, by=SYSTEM, now=now
    )
    password = _kept(folder / cast.PASSWORD_FILE) or f"demo-{secrets.token_hex(4)}"
    _keep(folder / cast.PASSWORD_FILE, password)
    people(team, password, now)
    crews(team, now)
    stock(team, now)
    follow_ups(team, now)
    front_desks(now)
    kept = _kept(folder / cast.AGENCY_TOKENS_FILE).split()
    _keep(folder / cast.AGENCY_TOKENS_FILE, "\n".join(agency_tokens(kept, now)))
    who_speaks_for_whom(now)
    _keep(folder / cast.CAD_TOKEN_FILE, cad_token(_kept(folder / cast.CAD_TOKEN_FILE), now))


def migrate() -> None:
    """The schema by its owner, and the rights of the application's role where there are two."""
    owner = "owner" if "owner" in settings.DATABASES else "default"
    call_command("migrate", database=owner, verbosity=0)
    if settings.DATABASES[owner]["USER"] != settings.DATABASES["default"]["USER"]:
        role = settings.DATABASES["default"]["USER"]
        call_command("grant_privileges", database=owner, role=role, verbosity=0)


def people(team: Team, password: str, now: datetime) -> None:
    """The accounts, all with the run's password."""
    wanted = {
        **{
            name: (f"Responder {name[-2:]}", Role.RESPONDER, team)
            for crew in cast.CREWS.values()
            for name in crew
        },
        **{name: (f"Supervisor {name[-1]}", Role.SUPERVISOR, team) for name in cast.SUPERVISORS},
        cast.DISPATCHER: ("Dispatch desk", Role.DISPATCHER, None),
        cast.ADMINISTRATOR: ("Administrator", Role.ADMINISTRATOR, None),
    }
    known = {user.username: user for user in User.objects.filter(username__in=wanted)}
    hashed = next((user.password for user in known.values()), "")
    if len(known) == len(wanted) and check_password(password, hashed):
        return
    hashed = make_password(password)  # slow on purpose, so once for all
    for username, (display_name, role, of) in wanted.items():
        user = known.get(username) or User(
            username=username, display_name=display_name, role=role, team=of
        )
        user.password = hashed
        user.is_superuser = role == Role.ADMINISTRATOR
        save_user(user=user, by=SYSTEM, now=now)


def crews(team: Team, now: datetime) -> None:
    """The CARE units, a shift that is on, and two responders on each unit."""
    shift = (
        Shift.objects.filter(team=team, starts_at__lte=now, ends_at__gt=now + LEFT_OF_SHIFT)
        .order_by("-ends_at")
        .first()
    ) or start_shift(team=team, starts_at=now, ends_at=now + SHIFT, by=SYSTEM, now=now)
    on_duty = set(
        CrewMember.objects.on_duty()
        .filter(shift=shift)
        .values_list("user__username", "unit__call_sign", "position")
    )
    for call_sign, crew in cast.CREWS.items():
        unit = Unit.objects.filter(agency=Agency.CARE, call_sign=call_sign).first() or save_unit(
            unit=Unit(
                call_sign=call_sign,
                agency=Agency.CARE,
                eido_id=f"{call_sign.lower()}@{CARE}",
                team=team,
            ),
            by=SYSTEM,
            now=now,
        )
        for position, username in enumerate(crew, 1):
            if (username, call_sign, position) not in on_duty:
                user = User.objects.get(username=username)
                join_crew(user=user, unit=unit, shift=shift, position=position, by=SYSTEM, now=now)


def stock(team: Team, now: datetime) -> None:
    """A bag for each unit, the store behind them, and what lies in them at first."""
    supervisor = User.objects.get(username=cast.SUPERVISORS[0])
    store = _kit(bag.STORE, team, None, supervisor, now)
    units = Unit.objects.filter(agency=Agency.CARE, call_sign__in=cast.CREWS).order_by("call_sign")
    bags = [_kit(f"Bag of {unit.call_sign}", team, unit, supervisor, now) for unit in units]
    today = now.astimezone(clock.city()).date()
    for one in bag.STOCK:
        product = Product.objects.filter(name=one.name).first() or save_product(
            product=Product(**one.product()), by=supervisor, now=now
        )
        lot = Lot.objects.filter(product=product, number=one.lot).first() or save_lot(
            lot=Lot(product=product, number=one.lot, expires_on=today + timedelta(days=one.days)),
            by=supervisor,
            now=now,
        )
        movements = StockMovement.objects.filter(lot_id=lot.pk)
        had = set(movements.values_list("to_kit_id", flat=True).distinct())
        if store.pk not in had:
            receive(kit=store, lot=lot, quantity=one.store, by=supervisor, now=now)
        for to in bags if one.bag else ():
            if to.pk not in had:
                issue(from_kit=store, to_kit=to, lot=lot, quantity=one.bag, by=supervisor, now=now)


def _kit(label: str, team: Team, unit: Unit | None, by: User, now: datetime) -> Kit:
    return Kit.objects.filter(label=label).first() or save_kit(
        kit=Kit(label=label, team=team, unit=unit), by=by, now=now
    )


def follow_ups(team: Team, now: datetime) -> None:
    """The team works around the clock, for days go by in seconds; its supervisors are told by mail
    what was missed."""
    if not TeamHours.objects.filter(team=team).exists():
        midnight = time(0)
        hours = TeamHours(
            team=team,
            time_zone=settings.CITY_TIME_ZONE,
            opens=midnight,
            closes=midnight,
            quiet_from=midnight,
            quiet_until=midnight,
        )
        save_hours(hours=hours, by=SYSTEM, now=now)
    for username, address in cast.MAILBOXES.items():
        user = User.objects.get(username=username)
        if not ContactPoint.objects.filter(user=user, channel=Channel.EMAIL).exists():
            point = ContactPoint(
                user=user, channel=Channel.EMAIL, from_level=Level.SUPERVISORS, address=address
            )
            save_contact_point(point=point, by=SYSTEM, now=now)


def cad_token(kept: str, now: datetime) -> str:
    """The CAD's token: the kept one while it is valid, else a further one."""
    if kept and ClientToken.objects.filter(token_hash=token_hash(kept), revoked_at=None).exists():
        return kept
    client = Client.objects.filter(name=cast.CAD_CLIENT).first()
    if client is not None:
        return issue_client_token(client=client, by=SYSTEM, now=now)
    token, _ = create_client(name=cast.CAD_CLIENT, by=SYSTEM, now=now)
    return token


def front_desks(now: datetime) -> None:
    """The partners that are sent links, each with a contact on file."""
    supervisor = User.objects.get(username=cast.SUPERVISORS[0])
    for name, address in cast.FRONT_DESKS.items():
        partner = Partner.objects.filter(name=name).first() or save_partner(
            partner=Partner(name=name), by=SYSTEM, now=now
        )
        if not PartnerContact.objects.filter(partner=partner, destination=address).exists():
            contact = PartnerContact(partner=partner, name="Front desk", destination=address)
            note_contact(contact=contact, by=supervisor, now=now)


def agency_tokens(kept: Sequence[str], now: datetime) -> list[str]:
    """A token for each agency with a system: the kept one while it is valid, else a further one."""
    found = []
    for place, name in enumerate(cast.AGENCIES):
        token = kept[place] if place < len(kept) else ""
        valid = PartnerToken.objects.filter(token_hash=token_hash(token), revoked_at=None)
        if token and valid.exists():
            found.append(token)
            continue
        partner = Partner.objects.filter(name=name).first()
        if partner is None:
            token, partner = create_partner(name=name, by=SYSTEM, now=now)
        else:
            token = issue_partner_token(partner=partner, by=SYSTEM, now=now)
        found.append(token)
    return found


def who_speaks_for_whom(now: datetime) -> None:
    """The organisations of the directory that are partners, by their names."""
    for partner in Partner.objects.filter(name__in=(*cast.AGENCIES, *cast.FRONT_DESKS)):
        for organization in Organization.objects.filter(name=partner.name, partner=None):
            organization.partner = partner
            save_organization(organization=organization, by=SYSTEM, now=now)


def _kept(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def _keep(path: Path, text: str) -> None:
    """Write a secret that its owner alone may read."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
