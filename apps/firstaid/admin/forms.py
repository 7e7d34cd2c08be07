"""What the pages of stock ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.audit.acts import WhyForm
from apps.core import clock
from apps.firstaid import codes
from apps.firstaid.models import Kit, Lot, Product
from apps.firstaid.services.ledger import shelf_of

_NONE = ("", "---------")


def _choices(known: Mapping[str, str]) -> list[tuple[str, str]]:
    return [_NONE, *known.items()]


class ProductForm(forms.ModelForm[Product]):
    drug = forms.ChoiceField(choices=_choices(codes.DRUGS), required=False)
    dose_unit = forms.ChoiceField(choices=_choices(codes.UNITS), required=False)
    route = forms.ChoiceField(choices=_choices(codes.ROUTES), required=False)

    class Meta:
        model = Product
        fields = (
            *("kind", "name", "strength", "drug", "dose", "dose_unit", "route", "low_at"),
            "in_use",
        )


class _LotField(forms.ModelChoiceField[Lot]):
    def label_from_instance(self, obj: Lot) -> str:
        return f"{obj.product}, {obj}, good to {obj.expires_on:%Y-%m-%d}"


class StepForm(forms.Form):
    """Something that is done with a kit. The lots offered are those that it has."""

    lot = _LotField(Lot.objects.none())
    quantity = forms.IntegerField(min_value=1, initial=1)

    def __init__(self, kit: Kit, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kit = kit
        self._offer("lot", self.lots())

    def lots(self) -> Any:
        """Those that lie in the kit."""
        there = {place.lot_id for place in shelf_of([self.kit.pk]).levels}
        return Lot.objects.filter(pk__in={pk for pk in there if pk})

    def _offer(self, name: str, rows: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = rows


class ReceiveForm(StepForm):
    def lots(self) -> Any:
        """Those that may be handed out."""
        today = clock.now().astimezone(clock.city()).date()
        return Lot.objects.filter(recalled_at=None, expires_on__gte=today, product__in_use=True)


class MoveForm(StepForm):
    to_kit = forms.ModelChoiceField(Kit.objects.none(), label="To")

    def __init__(self, kit: Kit, *args: Any, **kwargs: Any) -> None:
        super().__init__(kit, *args, **kwargs)
        others = Kit.objects.filter(team=kit.team_id, in_use=True).exclude(pk=kit.pk)
        self._offer("to_kit", others.order_by("label"))


class DiscardForm(StepForm):
    cause = forms.ChoiceField(choices=list(codes.STOCK_REASONS.items()), label="Why")


class CountForm(StepForm):
    lot = _LotField(
        Lot.objects.none(), required=False, help_text="Empty: pieces of no lot that was named."
    )
    product = forms.ModelChoiceField(Product.objects.none())
    quantity = forms.IntegerField(min_value=0, label="Counted")
    cause = forms.ChoiceField(choices=list(codes.STOCK_REASONS.items()), label="Why")
    note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea({"rows": 3}))
    field_order = ("product", "lot", "quantity", "cause", "note")

    def __init__(self, kit: Kit, *args: Any, **kwargs: Any) -> None:
        super().__init__(kit, *args, **kwargs)
        self._offer("product", Product.objects.in_use().order_by("name"))

    def lots(self) -> Any:
        return Lot.objects.order_by("product__name", "expires_on")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        lot, product = data.get("lot"), data.get("product")
        if lot and product and lot.product_id != product.pk:
            self.add_error("lot", "A lot of another product.")
        return data


class RecallForm(WhyForm):
    number = forms.CharField(
        max_length=60, label="Recall", help_text="The maker's or the FDA's number of the recall."
    )
