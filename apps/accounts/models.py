"""People and machines that sign in: our own, CAD, partners and their people; tablets and tokens.

Tokens are random and long, so their SHA-256 is stored; a code that a person types is short, so its
keyed hash is stored. Neither can be read back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.ids import uuid7
from apps.core.models import Model, UUIDModel
from apps.core.querysets import QuerySet


class Role(models.TextChoices):
    """What a person does; it decides what they may do. What they may see, grants decide."""

    RESPONDER = "responder", "responder"
    SUPERVISOR = "supervisor", "supervisor"
    DISPATCHER = "dispatcher", "dispatcher"
    ADMINISTRATOR = "administrator", "administrator (accounts and rules, no records)"
    PARTNER = "partner", "partner's own (pages for partners, nothing of ours)"


# Who holds a desk: a socket of their own, with what they may see.
DESK_ROLES = frozenset({Role.SUPERVISOR, Role.DISPATCHER})
# Who answers for people and tablets.
OVERSEERS = frozenset({Role.ADMINISTRATOR.value, Role.SUPERVISOR.value})
# Who never opens the admin.
OUTSIDE_THE_ADMIN = frozenset({Role.RESPONDER, Role.PARTNER})


class Partner(UUIDModel):
    """An organisation that receives referrals and events. It calls us with a token of its own, and
    its people sign in to the pages for partners."""

    SAFE = frozenset({"id", "name", "is_active"})

    name = models.CharField(max_length=120, unique=True)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

    # What DRF and `visible_to` ask of whoever makes a request.
    role = "partner"
    is_authenticated = True
    is_anonymous = False
    # Of a request: the token that it came with. No column.
    token_id: UUID | None = None


class Team(UUIDModel):
    """Responders under the same supervisors."""

    SAFE = frozenset({"id", "name"})

    name = models.CharField(max_length=80, unique=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """`createsuperuser` makes an administrator; every other account comes from the services."""

    def create_superuser(self, username: str, password: str, **extra: Any) -> User:
        user = User(
            username=username,
            role=Role.ADMINISTRATOR,
            is_staff=True,
            is_superuser=True,
            display_name=extra.get("display_name") or username,
        )
        user.set_password(password)
        user.save()
        return user


class User(AbstractBaseUser, PermissionsMixin, Model):
    """A person who signs in. `display_name` is shown to colleagues."""

    SAFE = frozenset(
        {"id", "username", "display_name", "role", "team", "partner", "is_active", "is_staff"}
        | {"is_superuser", "password", "last_login", "created_at"}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=60, unique=True)
    display_name = models.CharField(max_length=80)
    role = models.CharField(max_length=20, choices=Role)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="users")
    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="users"
    )
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField("may open the admin", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["display_name"]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="accounts_user_role"),
            models.CheckConstraint(
                condition=Q(role="partner", partner__isnull=False)
                | (~Q(role="partner") & Q(partner=None)),
                name="accounts_user_partner_by_role",
            ),
            models.CheckConstraint(
                condition=~Q(role="partner") | Q(team=None, is_staff=False, is_superuser=False),
                name="accounts_partner_is_no_staff",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class TabletState(models.TextChoices):
    """`active` works; `retired` is shut out at once.

    `lost`: nobody knows who has it. It may still hand in what was typed on it, which lies in
    quarantine, and is told to drop what it holds. `compromised`: somebody may have its token, so
    nothing is answered. It comes back by being enrolled anew.
    """

    ACTIVE = "active", "active"
    LOST = "lost", "lost"
    COMPROMISED = "compromised", "compromised"
    RETIRED = "retired", "retired"


class Tablet(UUIDModel):
    """A device that was enrolled with a one-time code."""

    SAFE = frozenset(
        {"id", "label", "team", "state", "enrolled_at", "last_seen_at", "clock_offset_ms"}
    )

    label = models.CharField(max_length=60)
    team = models.ForeignKey(Team, models.PROTECT, related_name="tablets")
    state = models.CharField(max_length=12, choices=TabletState, default=TabletState.ACTIVE)
    enrolled_at = models.DateTimeField()
    last_seen_at = models.DateTimeField(null=True)
    clock_offset_ms = models.IntegerField(
        null=True, help_text="device clock minus server clock at the last contact, milliseconds"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=TabletState.values), name="accounts_tablet_state"
            )
        ]

    def __str__(self) -> str:
        return self.label


class EnrolmentCodeQuerySet(QuerySet["EnrolmentCode"]):
    def usable(self, now: datetime) -> EnrolmentCodeQuerySet:
        """Not expired."""
        return self.filter(expires_at__gt=now)


class EnrolmentCode(UUIDModel):
    """A code that a supervisor hands over, as text or QR. It enrols one tablet.

    `claim` is the tablet's own id of the attempt: a repeat after a lost answer is the same tablet.
    """

    SAFE = frozenset(
        {"id", "code_hash", "team", "label", "made_by", "made_at", "expires_at", "claim", "tablet"}
    )

    code_hash = models.BinaryField(max_length=16, unique=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    label = models.CharField(max_length=60)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    tablet = models.ForeignKey(Tablet, models.PROTECT, null=True, related_name="+")

    objects = EnrolmentCodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(claim=None, tablet=None) | Q(claim__isnull=False, tablet__isnull=False),
                name="accounts_code_claimed_with_tablet",
            )
        ]


class Credential(UUIDModel):
    """A bearer token, of which only the SHA-256 is kept."""

    token_hash = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class TabletToken(Credential):
    SAFE = frozenset({"id", "token_hash", "made_at", "revoked_at", "tablet"})

    tablet = models.ForeignKey(Tablet, models.CASCADE, related_name="tokens")


class Client(UUIDModel):
    """A machine that calls us: the computer-aided dispatch (CAD) system of the 911 centre."""

    SAFE = frozenset({"id", "name", "is_active"})

    name = models.CharField(max_length=80, unique=True)
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name

    # What DRF and `visible_to` ask of whoever makes a request.
    role = "cad"
    is_authenticated = True
    is_anonymous = False


class ClientToken(Credential):
    SAFE = frozenset({"id", "token_hash", "made_at", "revoked_at", "client"})

    client = models.ForeignKey(Client, models.CASCADE, related_name="tokens")


class PartnerToken(Credential):
    SAFE = frozenset({"id", "token_hash", "made_at", "revoked_at", "partner"})

    partner = models.ForeignKey(Partner, models.CASCADE, related_name="tokens")


class SignInQuerySet(QuerySet["SignIn"]):
    def open(self) -> SignInQuerySet:
        """Those that nobody has ended, run out or not."""
        return self.filter(ended_at=None)

    def running(self, now: datetime) -> SignInQuerySet:
        """Those that hold: not ended, not run out, of people whose account is open."""
        return self.open().filter(started_at__gt=now - lifetime(), user__is_active=True)

    def run_out(self, now: datetime) -> SignInQuerySet:
        """Those that are too old to hold, and have still to be ended."""
        return self.open().filter(started_at__lte=now - lifetime())


def lifetime() -> timedelta:
    """How long a sign-in holds. Real hours, also in a demo: it guards against forgetting."""
    return timedelta(hours=settings.SIGN_IN_HOURS)


class SignIn(UUIDModel):
    """A responder on a tablet, from signing in to signing out, or until it has run out. One at a
    time per tablet."""

    SAFE = frozenset({"id", "tablet", "user", "started_at", "ended_at"})

    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="sign_ins")
    user = models.ForeignKey(User, models.PROTECT, related_name="sign_ins")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    objects = SignInQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tablet"], condition=Q(ended_at=None), name="accounts_one_sign_in_a_tablet"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")),
                name="accounts_sign_in_ends_after_start",
            ),
        ]

    def has_run_out(self, now: datetime) -> bool:
        """Whether it is too old to hold."""
        return self.started_at <= now - lifetime()


class LocalDatabase(UUIDModel):
    """One local store on a tablet, known by its `Sync-Instance`: the holder in the feed.

    Two stores on one tablet are two holders, because each has its own checkpoints and edits.
    """

    SAFE = frozenset({"id", "tablet", "first_seen_at"})

    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="local_databases")
    first_seen_at = models.DateTimeField()


class SocketTicket(Credential):
    """Opens one socket for a client that cannot set a header. Single use, 30 seconds."""

    SAFE = frozenset({"id", "token_hash", "made_at", "revoked_at", "tablet", "user"})

    tablet = models.ForeignKey(Tablet, models.CASCADE, null=True, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
