"""The directory: organisations, their services, and where those are, after Open Referral HSDS 3.0.

Ids are HSDS ids. What HSDS says and no column holds is kept in `rest`, so that an export says all
that was imported. What an entry consists of and is never asked for by itself (telephones,
schedules, languages, addresses, accessibility) is kept as the lists of HSDS objects that it is;
the rules of `apps.referrals.directory` read them. The directory speaks of agencies, of nobody who
is sent there.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Partner, User
from apps.core.models import UUIDModel
from apps.core.querysets import QuerySet
from apps.referrals.directory import codes


def _choices(known: Any) -> list[tuple[str, str]]:
    return list(known.items())


class OrganizationQuerySet(QuerySet["Organization"]):
    def whole(self) -> OrganizationQuerySet:
        """With all that HSDS says of an organisation, in few queries."""
        return self.prefetch_related(
            "locations", "services", "services__at_locations", "services__at_locations__location"
        )


class Organization(UUIDModel):
    """An agency that has services. `partner`: whose token speaks for it, and whose people do."""

    SAFE = frozenset(
        {"id", "partner", "name", "alternate_name", "description", "email", "website", "phones"}
        | {"rest"}
    )

    partner = models.ForeignKey(
        Partner, models.PROTECT, null=True, blank=True, related_name="organizations"
    )
    name = models.CharField(max_length=300)
    alternate_name = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    email = models.EmailField(blank=True)
    website = models.CharField(max_length=2000, blank=True)
    phones = models.JSONField(default=list, blank=True)
    rest = models.JSONField(default=dict, blank=True, help_text="what else HSDS says of it")

    objects = OrganizationQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Location(UUIDModel):
    """A place, or a postal or virtual one. `latitude` and `longitude` are WGS 84 degrees, both or
    neither."""

    SAFE = frozenset(
        {"id", "organization", "location_type", "name", "alternate_name", "description"}
        | {"transportation", "latitude", "longitude", "addresses", "phones", "schedules"}
        | {"languages", "accessibility", "rest"}
    )

    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="locations"
    )
    location_type = models.CharField(
        max_length=10, choices=_choices(codes.LOCATION_TYPES), default="physical"
    )
    name = models.CharField(max_length=300, blank=True)
    alternate_name = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    transportation = models.TextField(blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    addresses = models.JSONField(default=list, blank=True)
    phones = models.JSONField(default=list, blank=True)
    schedules = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list, blank=True)
    accessibility = models.JSONField(default=list, blank=True)
    rest = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(location_type__in=list(codes.LOCATION_TYPES)),
                name="referrals_location_type",
            ),
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="referrals_location_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self._meta.verbose_name} {str(self.pk)[:8]}"


class ServiceQuerySet(QuerySet["Service"]):
    def whole(self) -> ServiceQuerySet:
        """With everything that the document of a service is made of, in few queries."""
        places = ServiceAtLocation.objects.select_related("location").order_by("pk")
        return self.select_related("organization").prefetch_related(
            models.Prefetch("at_locations", places)
        )

    def of_partner(self, partner: Partner) -> ServiceQuerySet:
        """Those of the organisations that the partner speaks for."""
        return self.filter(organization__partner=partner)

    def partner_of(self, service_id: UUID) -> UUID | None:
        """The partner whose service this is; None: nobody's who works with us."""
        rows = self.filter(pk=service_id).values_list("organization__partner", flat=True)
        return rows.first()

    def touching(
        self, *, organizations: Collection[UUID] = (), locations: Collection[UUID] = ()
    ) -> ServiceQuerySet:
        """Those of these organisations, and those at these locations."""
        at = ServiceAtLocation.objects.filter(location__in=locations).values("service")
        return self.filter(Q(organization__in=organizations) | Q(pk__in=at))

    def offered(self) -> ServiceQuerySet:
        """Those that are there, open for now or not."""
        return self.filter(status__in=[codes.ACTIVE, "temporarily closed"])

    def unverified_since(self, day: date) -> ServiceQuerySet:
        """Those that nobody has verified since this day, or ever."""
        return self.filter(Q(assured_date=None) | Q(assured_date__lt=day))


class Service(UUIDModel):
    """What an organisation offers. `assured_date`: when it was verified last, by `assurer_email`.

    `used_for`, `reach` and `criteria` are codes of `directory.codes`. Ages are in years, both
    within.
    """

    SAFE = frozenset(
        {"id", "organization", "name", "alternate_name", "description", "status", "url", "email"}
        | {"application_process", "wait_time", "fees_description", "interpretation_services"}
        | {"eligibility_description", "minimum_age", "maximum_age", "alert", "assured_date"}
        | {"assurer_email", "phones", "schedules", "languages", "used_for", "reach", "criteria"}
        | {"rest"}
    )

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="services")
    name = models.CharField(max_length=300)
    alternate_name = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=_choices(codes.STATUSES), default=codes.ACTIVE)
    url = models.CharField(max_length=2000, blank=True)
    email = models.EmailField(blank=True)
    application_process = models.TextField(blank=True)
    wait_time = models.TextField(blank=True)
    fees_description = models.TextField(blank=True)
    interpretation_services = models.TextField(blank=True)
    eligibility_description = models.TextField(blank=True)
    minimum_age = models.FloatField(null=True, blank=True)
    maximum_age = models.FloatField(null=True, blank=True)
    alert = models.TextField(blank=True)
    assured_date = models.DateField("verified on", null=True, blank=True, db_index=True)
    assurer_email = models.EmailField("verified by", blank=True)
    phones = models.JSONField(default=list, blank=True)
    schedules = models.JSONField(default=list, blank=True)
    languages = models.JSONField(default=list, blank=True)
    used_for = models.CharField(
        max_length=20, choices=_choices(codes.USES), default="other", db_index=True
    )
    reach = models.CharField(max_length=10, choices=_choices(codes.REACHES), default="on_site")
    criteria = models.JSONField(default=list, blank=True)
    rest = models.JSONField(default=dict, blank=True)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=list(codes.STATUSES)), name="referrals_service_status"
            ),
            models.CheckConstraint(
                condition=Q(used_for__in=list(codes.USES)) & Q(reach__in=list(codes.REACHES)),
                name="referrals_service_choices",
            ),
            models.CheckConstraint(
                condition=(Q(minimum_age=None) | Q(minimum_age__range=(0, 150)))
                & (Q(maximum_age=None) | Q(maximum_age__range=(0, 150)))
                & (
                    Q(minimum_age=None) | Q(maximum_age=None) | Q(maximum_age__gte=F("minimum_age"))
                ),
                name="referrals_service_ages",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceAtLocation(UUIDModel):
    """A service at one of its locations, with its own telephones and hours where it has any."""

    SAFE = frozenset({"id", "service", "location", "description", "phones", "schedules", "rest"})

    service = models.ForeignKey(Service, models.PROTECT, related_name="at_locations")
    location = models.ForeignKey(Location, models.PROTECT, related_name="at_services")
    description = models.TextField(blank=True)
    phones = models.JSONField(default=list, blank=True)
    schedules = models.JSONField(default=list, blank=True)
    rest = models.JSONField(default=dict, blank=True)


class CapacitySource(models.TextChoices):
    PARTNER = "partner", "partner"
    DESK = "desk", "supervisor"


class CapacityQuerySet(QuerySet["Capacity"]):
    def latest_of(self, services: Collection[UUID]) -> dict[UUID, Capacity]:
        """What was told last, valid or not, by service."""
        rows = self.filter(service__in=services).order_by("service", "-set_at", "-pk")
        return {row.service_id: row for row in rows.distinct("service")}

    def told_of(self, service: UUID) -> CapacityQuerySet:
        """All that was told of a service, the newest first."""
        return self.filter(service=service).order_by("-set_at", "-pk")

    def holding(self, service: UUID, at: datetime) -> Capacity | None:
        """What had been told last at an instant, if it was still valid then."""
        row = self.told_of(service).filter(set_at__lte=at).first()
        return row if row is not None and row.valid_until > at else None


class Capacity(UUIDModel):
    """What was told of the capacity of a service, and until when it is to be believed. Append-only:
    how true it was is asked later.

    `free` of `total`, in `counted`; None where nobody said. `waiting`: how many are on its waiting
    list. `by_desk` told it, or the organisation itself.
    """

    APPEND_ONLY = True
    SAFE = frozenset(
        {"id", "service", "status", "counted", "total", "free", "waiting", "set_at"}
        | {"valid_until", "source", "by_desk"}
    )

    service = models.ForeignKey(Service, models.PROTECT, related_name="capacities")
    status = models.CharField(max_length=40, choices=_choices(codes.CAPACITY_STATUSES))
    counted = models.CharField(
        max_length=10, choices=_choices(codes.CAPACITY_UNITS), default="beds"
    )
    total = models.PositiveIntegerField(null=True)
    free = models.PositiveIntegerField(null=True)
    waiting = models.PositiveIntegerField(null=True)
    set_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    source = models.CharField(max_length=10, choices=CapacitySource)
    by_desk = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    objects = CapacityQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["set_at", "id"], name="referrals_capacity_by_time"),
            models.Index(fields=["service", "-set_at"], name="referrals_capacity_latest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=list(codes.CAPACITY_STATUSES))
                & Q(counted__in=list(codes.CAPACITY_UNITS))
                & Q(source__in=CapacitySource.values),
                name="referrals_capacity_choices",
            ),
            models.CheckConstraint(
                condition=Q(free=None) | Q(total=None) | Q(free__lte=F("total")),
                name="referrals_capacity_free_of_total",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[codes.NO_CAPACITY, codes.WAITLIST])
                | Q(free=None)
                | Q(free=0),
                name="referrals_capacity_none_is_none",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__gt=F("set_at")), name="referrals_capacity_valid_later"
            ),
            models.CheckConstraint(
                condition=Q(source="desk", by_desk__isnull=False)
                | Q(source="partner", by_desk=None),
                name="referrals_capacity_by_whom",
            ),
        ]
