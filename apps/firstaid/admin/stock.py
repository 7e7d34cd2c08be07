"""Products, lots, kits and what was moved. Stock is never edited: each step is a movement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.audit.acts import Act, ActsAdmin
from apps.audit.admin import RecordAdmin, RoleAdmin
from apps.core import clock
from apps.core.admin import NOTHING, moment, table, when
from apps.core.problems import FieldError, ProblemError
from apps.dispatch.models import Unit
from apps.firstaid import codes, services, stock
from apps.firstaid.admin.forms import (
    CountForm,
    DiscardForm,
    MoveForm,
    ProductForm,
    RecallForm,
    ReceiveForm,
    StepForm,
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


def _recall(lot: Lot, by: User, given: dict[str, Any]) -> str:
    services.recall_lot(lot=lot, number=given["number"], by=by, now=clock.now())
    return f"{lot} is recalled; every tablet warns of it."


@admin.register(Lot)
class LotAdmin(ActsAdmin[Lot], RoleAdmin[Lot]):
    """A recall names the units that have it, and every dose that was, or may have been, of it."""

    VIEW = CHANGE = SUPERVISOR
    list_display = ("number", "product", "expires_on", moment("recalled_at"), "recall_link")
    acts = {
        "recall": Act(
            label="Recall it",
            question="Every tablet warns of it. The first recall stands.",
            form=RecallForm,
            verb=_recall,
            offered=lambda lot: lot.recalled_at is None,
        )
    }
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
        """Where a lot is and went."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = get_object_or_404(Lot.objects.select_related("product"), pk=lot)
        found = services.recall_of(row)
        gone = [("dose", one) for one in found.doses] + [
            *(("may have been of it", one) for one in found.maybe),
            *(("left behind", one) for one in found.left_behind),
        ]
        return self.step(
            request,
            "firstaid/recall.html",
            f"{row.product}, {row}",
            recall=self._links(row, self.acts, ["recall"]),
            recalled=row.recalled_at,
            held=table(
                ("kit", "unit", "pieces"), ((k, k.unit or NOTHING, n) for k, n in found.in_kits)
            ),
            gone=table(
                ("what", "unit", "told"),
                ((what, one.unit or NOTHING, when(one.at)) for what, one in gone),
            ),
        )


def _on(verb: Callable[..., Any], name: str = "kit") -> Callable[[Kit, User, dict[str, Any]], Any]:
    """An act of a verb that takes the kit by this name, and the form's answers by theirs."""

    def act(kit: Kit, by: User, given: dict[str, Any]) -> None:
        verb(**{name: kit}, by=by, now=clock.now(), **given)

    return act


def _count(kit: Kit, by: User, given: dict[str, Any]) -> None:
    """A verb calls it counted, the form a quantity, as its others do."""
    told = {name: given[name] for name in ("product", "lot", "cause", "note")}
    try:
        services.count(kit=kit, counted=given["quantity"], by=by, now=clock.now(), **told)
    except ProblemError as problem:
        errors = [
            FieldError("/quantity" if one.pointer == "/counted" else one.pointer, one.detail)
            for one in problem.errors
        ]
        raise ProblemError(problem.problem, problem.text, errors=errors) from None


def _step(label: str, form: type[StepForm], verb: Callable[..., Any]) -> Act:
    """What is asked depends on the kit: what lies in it, and where else it can go."""
    return Act(
        label=label,
        form_for=lambda _, rows: partial(form, rows[0]),
        reason="note",
        verb=verb,
        alone=True,
    )


class KitForm(forms.ModelForm[Kit]):
    class Meta:
        model = Kit
        fields = ("label", "unit", "in_use")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("in_use") and shelf_of([self.instance.pk]).levels:
            self.add_error("in_use", "It is not empty: bring back what is in it, or count it.")
        return data


class WarnedFilter(admin.SimpleListFilter):
    """Kits of which something has to be warned."""

    title = "warnings"
    parameter_name = "warned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "some")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Kit]) -> QuerySet[Kit]:
        if self.value() != "yes":
            return queryset
        shelf = shelf_of(list(queryset.values_list("pk", flat=True)))
        warned = {one.kit_id for one in warnings_on(shelf, now=clock.now())}
        return queryset.filter(pk__in=warned)


@admin.register(Kit)
class KitAdmin(ActsAdmin[Kit], RoleAdmin[Kit]):
    """The kits of the supervisor's team with what lies in them, and what to warn of."""

    VIEW = CHANGE = SUPERVISOR
    form = KitForm
    list_display = ("label", "unit", "contents", "warned", "in_use")
    acts = {
        "receive": _step("Receive from outside", ReceiveForm, _on(services.receive)),
        "issue": _step("Issue to another kit", MoveForm, _on(services.issue, "from_kit")),
        "return": _step(
            "Bring back to another kit", MoveForm, _on(services.bring_back, "from_kit")
        ),
        "discard": _step("Throw away", DiscardForm, _on(services.discard)),
        "count": _step("Count", CountForm, _count),
    }
    list_filter = (WarnedFilter, "in_use")
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


@admin.register(StockMovement)
class MovementAdmin(RecordAdmin[StockMovement]):
    """What was moved, by whom. Nothing here is changed: what was moved wrongly is moved back."""

    VIEW = SUPERVISOR
    list_display = (
        *(moment("received_at"), "kind", "what", "of_lot", "quantity", "out_of", "into"),
        *("unit", "author", "why"),
    )
    list_filter = ("kind", "source")
    WHEN = "received_at"
    ordering = ("-order",)
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
