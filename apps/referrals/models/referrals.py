"""Referrals: what somebody needs (FHIR's ServiceRequest), and the partners who are asked for it,
one task each (FHIR's Task)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, OuterRef, Q, Subquery
from django.db.models.functions import Greatest

from apps.accounts.models import Partner, User
from apps.changes.querysets import VisibleQuerySet
from apps.core.fields import EncryptedJSONField, EncryptedTextField
from apps.core.ids import short
from apps.core.models import UUIDModel
from apps.referrals import codes
from apps.referrals.states import FINAL, NEGATIVE
from apps.sync.told import STAMP, Told

REFERRALS: Final = "referrals"


class RequestStatus(models.TextChoices):
    ACTIVE = "active", codes.REQUEST_STATUSES["active"]
    COMPLETED = "completed", codes.REQUEST_STATUSES["completed"]
    REVOKED = "revoked", codes.REQUEST_STATUSES["revoked"]
    ERROR = "entered-in-error", codes.REQUEST_STATUSES["entered-in-error"]


class TaskStatus(models.TextChoices):
    """FHIR R4 Task.status, without `ready` and `received`."""

    DRAFT = "draft", codes.TASK_STATUSES["draft"]
    REQUESTED = "requested", codes.TASK_STATUSES["requested"]
    ACCEPTED = "accepted", codes.TASK_STATUSES["accepted"]
    REJECTED = "rejected", codes.TASK_STATUSES["rejected"]
    CANCELLED = "cancelled", codes.TASK_STATUSES["cancelled"]
    IN_PROGRESS = "in-progress", codes.TASK_STATUSES["in-progress"]
    ON_HOLD = "on-hold", codes.TASK_STATUSES["on-hold"]
    FAILED = "failed", codes.TASK_STATUSES["failed"]
    COMPLETED = "completed", codes.TASK_STATUSES["completed"]
    ERROR = "entered-in-error", codes.TASK_STATUSES["entered-in-error"]


class Urgency(models.TextChoices):
    TONIGHT = "tonight", codes.URGENCIES["tonight"]
    HOURS_72 = "72h", codes.URGENCIES["72h"]
    WEEKS_2 = "2w", codes.URGENCIES["2w"]


class Awaited(models.TextChoices):
    """What the clocks of a task wait for."""

    NOTHING = "nothing", "nothing"
    ANSWER = "answer", "an answer"
    OUTCOME = "outcome", "an outcome"


class Outcome(models.TextChoices):
    SERVED = "served", codes.OUTCOMES["served"]
    NOT_SERVED = "not_served", codes.OUTCOMES["not_served"]
    ELSEWHERE = "served_elsewhere", codes.OUTCOMES["served_elsewhere"]
    DECLINED = "declined_by_person", codes.OUTCOMES["declined_by_person"]
    LOST = "lost_contact", codes.OUTCOMES["lost_contact"]
    DECEASED = "deceased", codes.OUTCOMES["deceased"]


class Way(models.TextChoices):
    API = "api", codes.WAYS["api"]
    LINK = "link", codes.WAYS["link"]
    TELEPHONE = "telephone", codes.WAYS["telephone"]
    FHIR = "fhir", codes.WAYS["fhir"]
    TABLET = "tablet", codes.WAYS["tablet"]
    DESK = "desk", codes.WAYS["desk"]
    SYSTEM = "system", codes.WAYS["system"]


class ReferralQuerySet(VisibleQuerySet["Referral"]):
    COLLECTION = REFERRALS

    def of(self, assignment_id: UUID) -> ReferralQuerySet:
        """The referrals made on one assignment, the first one first."""
        return self.filter(assignment_id=assignment_id).order_by("created_at", "pk")

    def leaving(self, now: datetime) -> ReferralQuerySet:
        """Closed ones whose time on their makers' tablets is over."""
        return self.filter(leaves_at__lte=now).order_by("leaves_at", "pk")

    def of_encounters(self, encounters: Iterable[UUID]) -> ReferralQuerySet:
        return self.filter(encounter_id__in=list(encounters)).order_by("created_at", "pk")


class Referral(UUIDModel):
    """What somebody needs. Its id is our stable one, echoed to every partner.

    `assignment_id` and `encounter_id` are no foreign keys: a referral may come first. `content`
    (PHI) is what was typed, whole. Whoever made it keeps it on their tablet until it is closed
    (`kept_for`), and for a while after (`leaves_at`). It is closed by an outcome, or withdrawn;
    nothing else ends it.
    """

    SAFE = frozenset(
        {"id", "assignment_id", "encounter_id", "urgency", "status", "created_at", "created_by"}
        | {"outcome", "closed_at", "closed_by", "kept_for", "leaves_at", "editor", "edit_no"}
        | {"flags"}
    )

    assignment_id = models.UUIDField(db_index=True)
    encounter_id = models.UUIDField(db_index=True)
    urgency = models.CharField(max_length=10, choices=Urgency)
    status = models.CharField(max_length=20, choices=RequestStatus, default=RequestStatus.ACTIVE)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=20, choices=Outcome, null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    kept_for = ArrayField(models.UUIDField(), default=list)
    leaves_at = models.DateTimeField(null=True)
    editor = models.UUIDField(null=True)
    edit_no = models.BigIntegerField(null=True)
    flags = models.JSONField(default=list)
    content = EncryptedJSONField()

    objects = ReferralQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(urgency__in=Urgency.values)
                & Q(status__in=RequestStatus.values)
                & (Q(outcome=None) | Q(outcome__in=Outcome.values)),
                name="referrals_referral_choices",
            ),
            # The loop is closed by an outcome and by nothing else.
            models.CheckConstraint(
                condition=(Q(status="completed") & Q(outcome__isnull=False))
                | (~Q(status="completed") & Q(outcome=None)),
                name="referrals_closed_by_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(status="active", closed_at=None, closed_by=None)
                | (~Q(status="active") & Q(closed_at__isnull=False)),
                name="referrals_closed_when",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="referrals_referral_created"),
            models.Index(fields=["status", "created_at"], name="referrals_referral_by_status"),
            models.Index(fields=["outcome", "created_at"], name="referrals_referral_by_outcome"),
        ]

    @property
    def number(self) -> str:
        """What people say on the telephone: the end of its id."""
        return f"CR-{short(self.pk).upper()}"


class TaskQuerySet(VisibleQuerySet["ReferralTask"]):
    """Who may see a referral may see its tasks."""

    COLLECTION = REFERRALS
    DOC_ID = "referral_id"

    def due(self, now: datetime) -> TaskQuerySet:
        """Those whose next reminder is due."""
        return self.filter(clock_due_at__lte=now).order_by("clock_due_at", "pk")

    def open(self) -> TaskQuerySet:
        return self.exclude(status__in=[*FINAL, TaskStatus.DRAFT])

    def to(self, partner: Partner) -> TaskQuerySet:
        """What a partner was ever sent, the newest first. A draft was never sent."""
        rows = self.filter(partner=partner, sent_at__isnull=False)
        return rows.order_by("-sent_at", "-pk")

    def newest_of_each(self, partner: Partner) -> TaskQuerySet:
        """Of each referral that a partner was sent the last task by which it was."""
        rows = self.to(partner).select_related("referral", "partner")
        last = ReferralTask.objects.to(partner).filter(referral=OuterRef("referral"))
        return rows.filter(pk=Subquery(last.values("pk")[:1]))

    def with_version(self) -> TaskQuerySet:
        """Each with `version`, which counts up with everything that is said of it, and `updated_at`
        of when that was. Reminders change neither, nor does the end of a referral whose task was
        over before: its partner is not told of it, and must not see when it was."""
        closing = Q(
            task=None, referral=OuterRef("referral"), received_at__lte=OuterRef("status_at")
        )
        told = ReferralAnswer.objects.order_by().filter(Q(task=OuterRef("pk")) | closing)
        count = Func("pk", function="count", output_field=models.IntegerField())
        last = Func("received_at", function="max", output_field=models.DateTimeField())
        return self.annotate(
            version=1 + Subquery(told.annotate(found=count).values("found")),
            updated_at=Greatest("sent_at", Subquery(told.annotate(found=last).values("found"))),
        )


class ReferralTask(UUIDModel):
    """One partner who is asked to meet the need. The next partner is another task of the referral.

    `reason` (PHI) is there wherever the state is a negative one; a partner reads
    `reason_for_partner`. `answered_at`: when the partner
    first said yes, no or anything else that answers. `attended` and `served` are what came of it.
    `said` (PHI) is what the answers add up to: {reason_code, question, reply, appointment_at,
    appointment_place, services, handoff, transport}. `case_number` (PHI) is the partner's own.
    `duplicate_of`: the task by which the same partner is asked for the same need; it is a draft.
    """

    SAFE = frozenset(
        {"id", "referral", "partner", "service_id", "status", "status_at", "asked_at", "asked_by"}
        | {"sent_at", "first_read_at", "answered_at", "attended", "served", "awaits"}
        | {"clock_from", "clock_step", "clock_due_at", "duplicate_of", "flags", "open_said"}
        | {"capacity_said"}
    )

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="tasks")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    service_id = models.UUIDField(null=True, help_text="the service of the directory, if one is")
    status = models.CharField(max_length=20, choices=TaskStatus, default=TaskStatus.DRAFT)
    status_at = models.DateTimeField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True)
    first_read_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    attended = models.BooleanField(null=True)
    served = models.BooleanField(null=True)
    awaits = models.CharField(max_length=10, choices=Awaited, default=Awaited.NOTHING)
    clock_from = models.DateTimeField(null=True)
    clock_step = models.PositiveSmallIntegerField(default=0)
    clock_due_at = models.DateTimeField(null=True)
    duplicate_of = models.UUIDField(null=True)
    capacity_said = models.BooleanField(
        null=True, help_text="whether the directory said that there was room when it was asked"
    )
    open_said = models.BooleanField(
        null=True, help_text="whether the directory said that it was open when it was asked"
    )
    flags = models.JSONField(default=list)
    reason = EncryptedTextField(null=True)
    case_number = EncryptedTextField(null=True)
    said = EncryptedJSONField(default=dict)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=TaskStatus.values) & Q(awaits__in=Awaited.values),
                name="referrals_task_choices",
            ),
            # FHIR: statusReason.text on rejected, cancelled, on-hold, failed.
            models.CheckConstraint(
                condition=~Q(status__in=sorted(NEGATIVE)) | Q(reason__isnull=False),
                name="referrals_negative_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(awaits="nothing", clock_from=None, clock_due_at=None)
                | (~Q(awaits="nothing") & Q(clock_from__isnull=False)),
                name="referrals_clock_since_when",
            ),
            models.CheckConstraint(
                condition=(Q(status="completed") & Q(served=True))
                | (Q(status="failed") & Q(served=False))
                | (~Q(status__in=["completed", "failed"]) & Q(served=None)),
                name="referrals_served_says_the_state",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "cancelled", "entered-in-error"])
                | Q(sent_at__isnull=False),
                name="referrals_sent_when",
            ),
            models.UniqueConstraint(
                fields=["referral", "partner"],
                condition=Q(status__in=["requested", "accepted", "in-progress", "on-hold"]),
                name="referrals_one_open_task_a_partner",
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at", "id"], name="referrals_task_by_time"),
            models.Index(
                fields=["clock_due_at"],
                condition=Q(clock_due_at__isnull=False),
                name="referrals_task_due",
            ),
            models.Index(fields=["partner", "sent_at"], name="referrals_task_of_partner"),
        ]

    @property
    def reason_for_partner(self) -> str | None:
        """The reason as the partner may read it: its own words; of ours the code alone, because
        whoever cancels writes of the person."""
        if self.status == TaskStatus.CANCELLED:
            code = str(self.said.get("reason_code"))
            return codes.REASONS.get(code, codes.TASK_STATUSES["cancelled"])
        words: str | None = self.reason
        return words

    @property
    def is_open(self) -> bool:
        """Sent, and not over."""
        return self.status != TaskStatus.DRAFT and self.status not in FINAL


class AnswerQuerySet(VisibleQuerySet["ReferralAnswer"]):
    """Who may see a referral may see what was said of it."""

    COLLECTION = REFERRALS
    DOC_ID = "referral_id"

    def from_tablets(self, referral_id: UUID) -> AnswerQuerySet:
        """Those that are facts of a tablet, too."""
        return self.filter(referral_id=referral_id, device__isnull=False).select_related(
            "recorded_by"
        )


class ReferralAnswer(Told):
    """One thing that was said of a task, by whom and by which way. Append-only by trigger. `task`
    None: it is about the whole referral, which CARE closes or withdraws.

    `key` is the sender's name of it: the same again is this row. `said_at` is when it was said,
    `said_by` (PHI) the name of who said it, `recorded_by` the person of CARE who entered it, if one
    did. `content` (PHI): what was told with the verb. `status`: the state after it.
    """

    SAFE = STAMP | {
        *("referral", "task", "key", "verb", "way", "by_partner", "said_at", "recorded_by"),
        *("token_id", "status"),
    }

    referral = models.ForeignKey(Referral, models.PROTECT, related_name="+")
    task = models.ForeignKey(ReferralTask, models.PROTECT, null=True, related_name="answers")
    key = models.CharField(max_length=100)
    verb = models.CharField(max_length=20)
    way = models.CharField(max_length=10, choices=Way)
    by_partner = models.BooleanField()
    said_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    token_id = models.UUIDField(null=True, help_text="of what was signed in with: token or link")
    status = models.CharField(max_length=20, choices=TaskStatus)
    said_by = EncryptedTextField()
    content = EncryptedJSONField()

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = "answer"
        constraints = [
            models.UniqueConstraint(fields=["task", "key"], name="referrals_answer_once"),
            models.CheckConstraint(
                condition=Q(way__in=Way.values) & Q(status__in=TaskStatus.values),
                name="referrals_answer_choices",
            ),
            # A telephone answer counts the same: with the name of who took it.
            models.CheckConstraint(
                condition=~Q(way__in=["telephone", "tablet", "desk"])
                | Q(recorded_by__isnull=False),
                name="referrals_answer_entered_by",
            ),
        ]


class ScorecardReading(UUIDModel):
    """A partner has read its own scorecard of a month. Only then, or a fortnight after the month,
    is it shown to CARE."""

    SAFE = frozenset({"id", "partner", "month", "at"})

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+")
    month = models.DateField(help_text="its first day")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "month"], name="referrals_scorecard_read_once"
            ),
            models.CheckConstraint(
                condition=Q(month__day=1), name="referrals_scorecard_first_of_month"
            ),
        ]
