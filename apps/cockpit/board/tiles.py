"""Debts: what waits for somebody, counted, each one click from the list of exactly those rows.

A tile is a list of the admin with the filters that its address names. It counts the rows of that
very list, so the number and the list cannot part; who may not open the list has no tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import Tablet
from apps.assignments.models import Alert, Assignment, SupportOffer
from apps.casenotes.models import EncounterRecord, OwedReport, Review
from apps.changes.models import ParkedReaction
from apps.core import health
from apps.dispatch.models import HeldMessage, Incident
from apps.firstaid.models import Kit
from apps.followups.models import ClockAttempt, FollowUp, MissingAgreement
from apps.referrals.models import ReferralTask
from apps.sync.models import Conflict, EarlyDocument, QuarantinedWrite
from apps.webhooks.models import Endpoint

# Beyond it a number says nothing more, and would be read from ever more rows.
MOST: Final = 200


@dataclass(frozen=True)
class Tile:
    """What a tile shows. `count` is at most `MOST` + 1, which means "more"."""

    code: str
    title: str
    why: str
    count: int
    address: str

    @property
    def told(self) -> str:
        """The number as it is shown."""
        return f"{MOST}+" if self.count > MOST else str(self.count)


@dataclass(frozen=True)
class Debt:
    """A kind of debt: the list that has it, by its model and the filters of the address."""

    code: str
    title: str
    why: str
    model: type[Model]
    filters: Mapping[str, str] = field(default_factory=dict)

    def tile(self, request: HttpRequest) -> Tile | None:
        """None for those who may not open the list."""
        page = admin.site.get_model_admin(self.model)
        if not page.has_view_permission(request):
            return None
        count = self.rows(request).order_by()[: MOST + 1].count()
        return Tile(self.code, self.title, self.why, count, self.address)

    @property
    def address(self) -> str:
        options = self.model._meta
        address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        return f"{address}?{urlencode(self.filters)}" if self.filters else address

    def rows(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the list, as its page narrows them."""
        page = admin.site.get_model_admin(self.model)
        rows = page.get_queryset(request)
        asked = {name: [value] for name, value in self.filters.items()}
        for offered in page.get_list_filter(request):
            if isinstance(offered, type) and issubclass(offered, SimpleListFilter):
                narrowed = offered(request, asked, self.model, page).queryset(request, rows)
                rows = rows if narrowed is None else narrowed
        # What no filter of the page's own has taken out is a column.
        return rows.filter(**{name: value for name, (value,) in asked.items()})


DEBTS: Final = (
    Debt(
        *("alerts", "Alerts without an answer", "Somebody waits for the desk"),
        *(Alert, {"open": "yes"}),
    ),
    Debt(
        *("support", "Peer support to offer", "A responder came to harm"),
        *(SupportOffer, {"state__exact": "due"}),
    ),
    Debt(
        *("not_sent", "Eligible, not sent", "Calls that CARE could take, going on now"),
        *(Incident, {"verdict": "not_sent", "status__exact": "active"}),
    ),
    Debt(
        *("numbers", "CAD numbers to confirm", "Crews gave one that they can hardly mean"),
        *(Assignment, {"number": "waits"}),
    ),
    Debt(
        *("held", "Held CAD messages", "Nobody could read them: mend and replay"),
        *(HeldMessage, {"held": "waiting"}),
    ),
    Debt(
        *("reports", "Reports owed by law", "Overdue or due within a day, and not made"),
        OwedReport,
    ),
    Debt("records", "Unsigned notes", "Cleared encounters without a record", EncounterRecord),
    Debt("reviews", "Reviews waiting", "Signed notes that a supervisor has to read", Review),
    Debt(
        *("quarantine", "Quarantined writes", "Typed on a tablet, and not taken"),
        *(QuarantinedWrite, {"open": "open"}),
    ),
    Debt(
        *("conflicts", "Conflicts", "Two wrote into the same field: choose"),
        *(Conflict, {"open": "open"}),
    ),
    Debt(
        *("early", "Came early, not linked", "Their call, note or referral is not here for a day"),
        *(EarlyDocument, {"waits": "day"}),
    ),
    Debt(
        *("unsent", "Tablets with unsent work", "They hold what nobody else has"),
        *(Tablet, {"look": "unsent"}),
    ),
    Debt(
        *("silent", "Tablets without contact", "Somebody is signed in there"),
        *(Tablet, {"look": "silent"}),
    ),
    Debt(
        *("referrals", "Referrals past their clock", "No answer, or no outcome, in time"),
        *(ReferralTask, {"waits": "overdue"}),
    ),
    Debt(
        *("followups", "Missed follow-ups", "Overdue, and nobody has made them"),
        *(FollowUp, {"shown": "missed"}),
    ),
    Debt(
        *("agreements", "Missing agreements", "Nobody asked whether to follow up"),
        MissingAgreement,
    ),
    Debt("reminders", "Stuck reminders", "They fail again and again", ClockAttempt),
    Debt(
        *("partners", "Failing partners", "Endpoints that fail, are paused or gone"),
        *(Endpoint, {"trouble": "yes"}),
    ),
    Debt(
        *("stock", "Kits to restock", "Low, expired, recalled or miscounted"),
        *(Kit, {"warned": "yes"}),
    ),
    Debt(
        *("parked", "Parked reactions", "What should have followed from a change"),
        ParkedReaction,
    ),
)


def tiles(request: HttpRequest) -> list[Tile]:
    """The tiles of whoever asks, those with something to do first, in the order of `DEBTS`."""
    return sorted(_all(request), key=lambda tile: tile.count == 0)


def _all(request: HttpRequest) -> Iterator[Tile]:
    yield _workers()
    for debt in DEBTS:
        if tile := debt.tile(request):
            yield tile


def _workers() -> Tile:
    """What `/readyz` says; that page names it too."""
    ill = [name for name, fine in health.checks().items() if not fine]
    why = f"Not well: {', '.join(ill)}" if ill else "Every part of the server is at work"
    return Tile("workers", "Stalled workers", why, len(ill), reverse("ready"))
