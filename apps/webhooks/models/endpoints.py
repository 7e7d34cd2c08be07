"""Where a partner wants its events, how that is going, and the keys that sign them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Partner, User
from apps.core.fields import EncryptedTextField
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet


class EndpointState(models.TextChoices):
    """Events are made for endpoints that are active or paused, or have to prove a new address;
    they are sent to active ones."""

    UNVERIFIED = "unverified", "waits for the receiver to show that it is the partner's"
    ACTIVE = "active", "active"
    PAUSED = "paused", "paused, events are kept"
    DISABLED = "disabled", "disabled"


class PausedBy(models.TextChoices):
    PARTNER = "partner", "the partner"
    STAFF = "staff", "a supervisor"
    SYSTEM = "system", "Carefield, after days of failures alone"


class Disabled(models.TextChoices):
    GONE = "gone", "the receiver answered 410"
    PARTNER = "partner", "the partner"


class EndpointQuerySet(QuerySet["Endpoint"]):
    def told(self) -> EndpointQuerySet:
        """Those that events are made for."""
        kept = (EndpointState.ACTIVE, EndpointState.PAUSED)
        return self.filter(state__in=kept, partner__is_active=True)

    def of(self, partner: Partner) -> EndpointQuerySet:
        """A partner's own, oldest first."""
        return self.filter(partner=partner).order_by("id")

    def in_trouble(self) -> EndpointQuerySet:
        """Those that somebody has to see to: they fail, are paused, or their receiver is gone."""
        return self.filter(
            models.Q(state=EndpointState.PAUSED)
            | models.Q(state=EndpointState.DISABLED, disabled_why=Disabled.GONE)
            | models.Q(state=EndpointState.ACTIVE, failing_since__isnull=False)
        )

    def failing_since(self, at: datetime) -> EndpointQuerySet:
        """Those that are sent to and have only failed since then, or longer."""
        sent = (EndpointState.ACTIVE, EndpointState.UNVERIFIED)
        return self.filter(state__in=sent, failing_since__lte=at)


class Endpoint(UUIDModel):
    """An address of a partner. An address may carry a secret, so it is sealed.

    `sequence` is the number of the last event made for it, counted under the row's lock in the
    order of the log. `failures`: attempts that failed since the last success, `failing_since`: when
    the first of them did. Until `open_until` the circuit is open: only urgent events are tried.
    Until `slow_until` the receiver has asked to be left alone. `tokens` as of `tokens_at`: attempts
    that the rate allows at once. `challenge`: what the receiver has to repeat.
    """

    SAFE = frozenset(
        {"id", "partner", "name", "event_types", "state", "made_at", "verified_at", "paused_at"}
        | {"paused_by", "disabled_at", "disabled_why", "sequence", "rate", "tokens", "tokens_at"}
        | {"failures", "failing_since", "warned_at", "succeeded_at", "open_until", "slow_until"}
        | {"claimed_at", "watcher"}
    )

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="endpoints")
    name = models.CharField(max_length=80)
    url = EncryptedTextField()
    contact = EncryptedTextField(null=True, help_text="the partner's e-mail address for warnings")
    event_types = ArrayField(models.CharField(max_length=60), default=list)
    state = models.CharField(max_length=12, choices=EndpointState, default=EndpointState.UNVERIFIED)
    challenge = EncryptedTextField()
    made_at = models.DateTimeField()
    verified_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    paused_by = models.CharField(max_length=10, choices=PausedBy, blank=True)
    pause_reason = EncryptedTextField(null=True)
    disabled_at = models.DateTimeField(null=True)
    disabled_why = models.CharField(max_length=10, choices=Disabled, blank=True)
    sequence = models.BigIntegerField(default=0)
    rate = models.PositiveSmallIntegerField(default=50, help_text="attempts a second")
    tokens = models.FloatField(default=0)
    tokens_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    slow_until = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    watcher = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", help_text="who is warned by name"
    )

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=EndpointState.values)
                & Q(paused_by__in=["", *PausedBy.values])
                & Q(disabled_why__in=["", *Disabled.values]),
                name="webhooks_endpoint_choices",
            ),
            models.CheckConstraint(
                condition=~Q(state="active") | Q(verified_at__isnull=False),
                name="webhooks_endpoint_active_once_verified",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="paused", paused_at__isnull=False) & ~Q(paused_by="")
                    | ~Q(state="paused")
                    & Q(paused_at=None, paused_by="", pause_reason__isnull=True)
                ),
                name="webhooks_endpoint_paused_when",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="disabled", disabled_at__isnull=False) & ~Q(disabled_why="")
                    | ~Q(state="disabled") & Q(disabled_at=None, disabled_why="")
                ),
                name="webhooks_endpoint_disabled_when",
            ),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since=None)
                | Q(failures__gt=0, failing_since__isnull=False),
                name="webhooks_endpoint_failing_when",
            ),
            models.CheckConstraint(
                condition=Q(rate__range=(1, 1000)), name="webhooks_endpoint_rate"
            ),
        ]


class AllowanceQuerySet(QuerySet["Allowance"]):
    def standing(self) -> AllowanceQuerySet:
        """Those that nobody has withdrawn."""
        return self.filter(withdrawn_at=None)


class Allowance(UUIDModel):
    """A partner may ask for a restricted type."""

    SAFE = frozenset({"id", "partner", "type", "given_at", "withdrawn_at"})

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    type = models.CharField(max_length=60)
    given_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "type"],
                condition=Q(withdrawn_at=None),
                name="webhooks_allowed_once",
            )
        ]


class SigningKeyQuerySet(QuerySet["SigningKey"]):
    def signing(self, endpoints: list[UUID], now: datetime) -> SigningKeyQuerySet:
        """What signs for these endpoints now, the newest first."""
        current = Q(retires_at=None) | Q(retires_at__gt=now)
        return self.filter(current, endpoint__in=endpoints).order_by("-made_at", "-id")


class SigningKey(UUIDModel):
    """A secret (v1) and a pair of keys (v1a) of an endpoint. `secret`: `whsec_...`, `private`:
    `whsk_...`, `public`: `whpk_...`, each base64 as Standard Webhooks writes them."""

    SAFE = frozenset({"id", "endpoint", "public", "made_at", "retires_at"})

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="keys")
    secret = EncryptedTextField()
    private = EncryptedTextField()
    public = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    retires_at = models.DateTimeField(null=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint"],
                condition=Q(retires_at=None),
                name="webhooks_one_current_key",
            )
        ]


class NoticeKind(models.TextChoices):
    FAILING = "failing", "nothing but failures for a day"
    PAUSED = "paused", "paused after days of failures alone"
    DISABLED = "disabled", "disabled: the receiver answered 410"


class NoticeQuerySet(QuerySet["Notice"]):
    def open(self) -> NoticeQuerySet:
        """Those that nobody has acknowledged."""
        return self.filter(acknowledged_at=None)


class Notice(UUIDModel):
    """A warning about an endpoint to a named person. It stands here whatever becomes of a mail."""

    SAFE = frozenset(
        {"id", "endpoint", "kind", "at", "named", "mailed_at", "acknowledged_at"}
        | {"acknowledged_by"}
    )

    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=NoticeKind)
    at = models.DateTimeField()
    named = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    mailed_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["at", "id"], name="webhooks_notice_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="webhooks_notice_kind"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by=None)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="webhooks_notice_acknowledged_by",
            ),
        ]
