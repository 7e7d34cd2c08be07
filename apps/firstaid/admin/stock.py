"""Products, lots, kits and what was moved. Stock is never edited: each step is a movement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.admin import RecordAdmin, RoleAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment, table, when
from apps.core.problems import ProblemError
from apps.dispatch.models import Unit
from apps.firstaid import codes, services, stock
from apps.firstaid.admin.forms import (
    CountForm,
    DiscardForm,
    MoveForm,
    ProductForm,
    RecallForm,
    ReceiveForm,
)
from apps.firstaid.models import Kit, Lot, Product, StockMovement
from apps.firstaid.services.ledger import Shelf, shelf_of, warnings_on
from apps.firstaid.stock import StockWarning

SUPERVISOR = frozenset({"supervisor"})


def person_of(request: HttpRequest) -> User:
    """Who is signed in."""
    assert isinstance(request.user, User)
    return request.user


@admin.register(Product)
class ProductAdmin(RoleAdmin[Product]):
    VIEW = CHANGE = SUPERVISOR
    form = ProductForm
    list_display = ("name", "strength", "kind", "low_at", "in_use")
    list_filter = ("kind", "in_use")
    ordering = ("name",)

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        services.save_product(product=obj, by=person_of(request), now=clock.now())


class LotFilter(admin.SimpleListFilter):
    """Lots whose last day is near, or past."""

    title = "last day"
    parameter_name = "ends"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("soon", "expired, or soon to be")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lot]) -> QuerySet[Lot]:
        if self.value() != "soon":
            return queryset
        today = clock.now().astimezone(clock.city()).date()
        by = today + timedelta(days=settings.STOCK_EXPIRING_DAYS)
        return queryset.filter(pk__in=Lot.objects.expiring(by).values("pk"))


@admin.register(Lot)
class LotAdmin(RoleAdmin[Lot]):
    """A recall names the units that have it, and every dose that was, or may have been, of it."""

    VIEW = CHANGE = SUPERVISOR
    list_display = ("number", "product", "expires_on", moment("recalled_at"), "recall_link")
    list_filter = ("product", LotFilter)
    ordering = ("expires_on",)
    fields = ("product", "number", "expires_on")

    def save_model(self, request: HttpRequest, obj: Lot, form: Any, change: bool) -> None:
        services.save_lot(lot=obj, by=person_of(request), now=clock.now())

    @admin.display(description="")
    def recall_link(self, lot: Lot) -> SafeString:
        address = reverse("admin:firstaid_lot_recall", args=[lot.pk])
        return format_html('<a href="{}">Where it is</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.recall_view)
        return [path("<uuid:lot>/recall/", view, name="firstaid_lot_recall"), *super().get_urls()]

    def recall_view(self, request: HttpRequest, lot: UUID) -> HttpResponse:
        """Where a lot is and went; and recalls it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Lot.objects.select_related("product"), pk=lot)
        form = RecallForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            services.recall_lot(
                lot=row, number=form.cleaned_data["number"], by=person_of(request), now=clock.now()
            )
            messages.success(request, f"{row} is recalled; every tablet warns of it.")
            return HttpResponseRedirect(request.get_full_path())
        found = services.recall_of(row)
        gone = [("dose", one) for one in found.doses] + [
            *(("may have been of it", one) for one in found.maybe),
            *(("left behind", one) for one in found.left_behind),
        ]
        return self.step(
            request,
            "firstaid/recall.html",
            f"{row.product}, {row}",
            form=form,
            submit="Recall it",
            recalled=row.recalled_at,
            held=table(
                ("kit", "unit", "pieces"), ((k, k.unit or NOTHING, n) for k, n in found.in_kits)
            ),
            gone=table(
                ("what", "unit", "told"),
                ((what, one.unit or NOTHING, when(one.received_at)) for what, one in gone),
            ),
        )


@dataclass(frozen=True)
class Step:
    """Something that is done with a kit: what the page says, what it asks, and the verb."""

    label: str
    form: type[Any]
    verb: Callable[[Kit, dict[str, Any], User], Any]


STEPS = {
    "receive": Step(
        "Receive from outside",
        ReceiveForm,
        lambda kit, given, by: services.receive(kit=kit, by=by, now=clock.now(), **given),
    ),
    "issue": Step(
        "Issue to another kit",
        MoveForm,
        lambda kit, given, by: services.issue(from_kit=kit, by=by, now=clock.now(), **given),
    ),
    "return": Step(
        "Bring back to another kit",
        MoveForm,
        lambda kit, given, by: services.bring_back(from_kit=kit, by=by, now=clock.now(), **given),
    ),
    "discard": Step(
        "Throw away",
        DiscardForm,
        lambda kit, given, by: services.discard(kit=kit, by=by, now=clock.now(), **given),
    ),
    "count": Step(
        "Count",
        CountForm,
        lambda kit, given, by: services.count(
            kit=kit,
            product=given["product"],
            lot=given["lot"],
            counted=given["quantity"],
            cause=given["cause"],
            note=given["note"],
            by=by,
            now=clock.now(),
        ),
    ),
}
# Where an error of a verb stands in its form.
_FIELDS = {"counted": "quantity"}


class KitForm(forms.ModelForm[Kit]):
    class Meta:
        model = Kit
        fields = ("label", "unit", "in_use")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("in_use") and shelf_of([self.instance.pk]).levels:
            self.add_error("in_use", "It is not empty: bring back what is in it, or count it.")
        return data


@admin.register(Kit)
class KitAdmin(RoleAdmin[Kit]):
    """The kits of the supervisor's team with what lies in them, and what to warn of."""

    VIEW = CHANGE = SUPERVISOR
    form = KitForm
    list_display = ("label", "unit", "contents", "warned", "steps", "in_use")
    list_filter = ("in_use",)
    ordering = ("label",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Kit]:
        rows = super().get_queryset(request).select_related("unit")
        return rows.filter(team=person_of(request).team_id)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "unit":
            ours = Unit.objects.filter(team=person_of(request).team_id, in_service=True)
            kwargs["queryset"] = ours.order_by("call_sign")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        form.instance.team_id = person_of(request).team_id
        return super().save_form(request, form, change)

    def save_model(self, request: HttpRequest, obj: Kit, form: Any, change: bool) -> None:
        services.save_kit(kit=obj, by=person_of(request), now=clock.now())

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What lies in the kits is read once for the whole list."""
        page = super().get_changelist_instance(request)
        rows = list(page.result_list)
        board = _board(rows)
        for row in rows:
            row.board = board
        page.result_list = rows
        return page

    @admin.display(description="in it")
    def contents(self, kit: Kit) -> SafeString:
        board: Board = kit.board  # type: ignore[attr-defined]  # see get_changelist_instance
        return table(
            ("product", "lot", "pieces"),
            (
                (board.product(place.product_id), board.lot(place.lot_id), quantity)
                for place, quantity in board.shelf.levels.items()
                if place.kit_id == kit.pk
            ),
        )

    @admin.display(description="warnings")
    def warned(self, kit: Kit) -> SafeString:
        board: Board = kit.board  # type: ignore[attr-defined]  # see get_changelist_instance
        return format_html_join(
            "",
            "<div>{}: {} {}</div>",
            (
                (
                    stock.WARNINGS[one.kind],
                    board.product(one.product_id),
                    board.lot(one.lot_id) if one.lot_id else "",
                )
                for one in board.warned
                if one.kit_id == kit.pk
            ),
        )

    @admin.display(description="")
    def steps(self, kit: Kit) -> SafeString:
        links = (
            (reverse("admin:firstaid_kit_step", args=[kit.pk, name]), step.label)
            for name, step in STEPS.items()
        )
        return format_html_join("", '<div><a href="{}">{}</a></div>', links)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.step_view)
        own = path("<uuid:kit>/<slug:name>/step/", view, name="firstaid_kit_step")
        return [own, *super().get_urls()]

    def step_view(self, request: HttpRequest, kit: UUID, name: str) -> HttpResponse:
        """Asks what is needed for one step, and does it."""
        if not self.has_change_permission(request) or name not in STEPS:
            raise PermissionDenied
        step, row = STEPS[name], get_object_or_404(self.get_queryset(request), pk=kit)
        form = step.form(row, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                step.verb(row, dict(form.cleaned_data), person_of(request))
            except ProblemError as problem:
                for error in problem.errors:
                    field = error.pointer.lstrip("/")
                    field = _FIELDS.get(field, field)
                    form.add_error(field if field in form.fields else None, error.detail)
            else:
                messages.success(request, f"{row}: done.")
                return HttpResponseRedirect(reverse("admin:firstaid_kit_changelist"))
        return self.step(
            request, "audit/step.html", f"{row}: {step.label}", form=form, submit=step.label
        )


@admin.register(StockMovement)
class MovementAdmin(RecordAdmin[StockMovement]):
    """What was moved, by whom. Nothing here is changed: what was moved wrongly is moved back."""

    VIEW = SUPERVISOR
    list_display = (
        *(moment("received_at"), "kind", "what", "of_lot", "quantity", "out_of", "into"),
        *("unit", "author", "why"),
    )
    list_filter = ("kind", "source")
    date_hierarchy = "received_at"
    ordering = ("-order",)
    show_full_result_count = False
    fields = (*list_display[:9], "why", "note", "dose_id", "reverses", "flags")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockMovement]:
        """With the names of what it is about, read once for the whole list."""
        rows = super().get_queryset(request).select_related("unit", "author")

        def named(model: Any, field: str, of: str) -> Subquery:
            return Subquery(model.objects.filter(pk=OuterRef(of)).values(field)[:1])

        return rows.annotate(
            product=named(Product, "name", "product_id"),
            lot=named(Lot, "number", "lot_id"),
            from_kit=named(Kit, "label", "from_kit_id"),
            to_kit=named(Kit, "label", "to_kit_id"),
        )

    @admin.display(description="product")
    def what(self, row: StockMovement) -> str:
        return getattr(row, "product", None) or NOTHING

    @admin.display(description="lot")
    def of_lot(self, row: StockMovement) -> str:
        return getattr(row, "lot", None) or NOTHING

    @admin.display(description="from")
    def out_of(self, row: StockMovement) -> str:
        return getattr(row, "from_kit", None) or NOTHING

    @admin.display(description="to")
    def into(self, row: StockMovement) -> str:
        return getattr(row, "to_kit", None) or NOTHING

    @admin.display(description="why")
    def why(self, row: StockMovement) -> str:
        return codes.STOCK_REASONS.get(row.cause, row.cause)


@dataclass(frozen=True)
class Board:
    """What a list of kits shows, read at once."""

    shelf: Shelf
    warned: list[StockWarning]
    products: Mapping[UUID, Product]
    lots: Mapping[UUID, Lot]

    def product(self, pk: UUID) -> str:
        return _name(self.products.get(pk))

    def lot(self, pk: UUID | None) -> str:
        return _name(self.lots.get(pk)) if pk else "not named"


def _board(kits: Sequence[Kit]) -> Board:
    shelf = shelf_of([kit.pk for kit in kits])
    return Board(
        shelf,
        warnings_on(shelf, now=clock.now()),
        Product.objects.in_bulk({product for _, product in shelf.had}),
        Lot.objects.in_bulk({place.lot_id for place in shelf.levels if place.lot_id}),
    )


def _name(row: object) -> str:
    return str(row) if row else NOTHING
