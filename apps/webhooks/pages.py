"""Pages for a partner's people: their endpoints and keys, what was sent and how it went. Beside
them the catalogue and the public keys, which anybody may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import orjson
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.models import Partner
from apps.accounts.partnerpages import partner_page
from apps.audit.admin import actor_of, in_city_time
from apps.core import clock
from apps.core.clock import iso
from apps.core.problems import ProblemError
from apps.webhooks import catalogue, services
from apps.webhooks.addresses import LONGEST_URL
from apps.webhooks.models import (
    Allowance,
    Delivery,
    Endpoint,
    EndpointState,
    PausedBy,
    SigningKey,
)
from apps.webhooks.shapes import data_out

SHOWN: Final = 50


class EndpointForm(forms.Form):
    name = forms.CharField(max_length=80)
    url = forms.CharField(max_length=LONGEST_URL, label="Address (https)")
    contact = forms.EmailField(required=False, label="E-mail for warnings")
    event_types = forms.MultipleChoiceField(
        label="Events", widget=forms.CheckboxSelectMultiple, choices=[]
    )
    rate = forms.IntegerField(min_value=1, max_value=1000, initial=50, label="At most a second")

    def __init__(self, partner: Partner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        standing = Allowance.objects.standing().filter(partner=partner)
        allowed = standing.values_list("type", flat=True)
        field = self.fields["event_types"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (one.name, f"{one.name}: {one.title}")
            for one in catalogue.every_type()
            if not one.of_endpoint and (not one.restricted or one.name in allowed)
        ]

    def add_problem(self, problem: ProblemError) -> None:
        """Shows a problem of the service beside the field that it names."""
        for error in problem.errors:
            name = error.pointer.strip("/").split("/")[0]
            self.add_error(name if name in self.fields else None, error.detail)
        if not problem.errors:
            self.add_error(None, problem.text)


@never_cache
@in_city_time
@partner_page
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest, partner: Partner) -> HttpResponse:
    """The partner's endpoints, and a form for a new one."""
    form = EndpointForm(partner, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, keys = services.create_endpoint(
                partner=partner, **form.cleaned_data, by=actor_of(request), now=clock.now()
            )
        except ProblemError as problem:
            form.add_problem(problem)
        else:
            return _endpoint_page(request, partner, endpoint, keys=keys)
    context = {"partner": partner, "endpoints": Endpoint.objects.of(partner), "form": form}
    return render(request, "webhooks/home.html", context)


@never_cache
@in_city_time
@partner_page
@require_http_methods(["GET", "POST"])
def endpoint(request: HttpRequest, partner: Partner, endpoint: UUID) -> HttpResponse:
    """One endpoint: its state, keys and log; and changes it."""
    row = get_object_or_404(Endpoint.objects.of(partner), pk=endpoint)
    form = _form_of(partner, row, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_endpoint(
                endpoint=row, **form.cleaned_data, by=actor_of(request), now=clock.now()
            )
        except ProblemError as problem:
            form.add_problem(problem)
        else:
            messages.success(request, "Changed.")
            return redirect("partner-endpoint", endpoint=row.pk)
    return _endpoint_page(request, partner, row, form=form)


def _form_of(partner: Partner, row: Endpoint, data: Any = None) -> EndpointForm:
    now = {
        "name": row.name,
        "url": row.url,
        "contact": row.contact or "",
        "event_types": row.event_types,
        "rate": row.rate,
    }
    return EndpointForm(partner, data, initial=now)


def _endpoint_page(
    request: HttpRequest, partner: Partner, row: Endpoint, **context: Any
) -> HttpResponse:
    log = row.deliveries.order_by("-sequence")[:SHOWN]
    state = EndpointState(row.state)
    shown = {
        "partner": partner,
        "endpoint": row,
        "log": log,
        "pending": row.deliveries.pending().count(),
        "signing": SigningKey.objects.signing([row.pk], clock.now()),
        "acts": [act for act in ACTS if state in ACTS[act].when],
        "form": _form_of(partner, row),
    }
    return render(request, "webhooks/endpoint.html", {**shown, **context})


class Act:
    """Something that is done with an endpoint: in which states, and by which verb."""

    def __init__(self, verb: Callable[..., Any], *when: EndpointState, **told: Any) -> None:
        self.verb, self.when, self.told = verb, frozenset(when), told


_LIVE: Final = (EndpointState.ACTIVE, EndpointState.PAUSED)
ACTS: Final[Mapping[str, Act]] = MappingProxyType(
    {
        "test": Act(services.send_test, EndpointState.ACTIVE),
        "pause": Act(services.pause_endpoint, EndpointState.ACTIVE, kind=PausedBy.PARTNER),
        "resume": Act(services.resume_endpoint, EndpointState.PAUSED),
        "verify": Act(services.verify_endpoint, EndpointState.UNVERIFIED, EndpointState.DISABLED),
        "disable": Act(services.disable_endpoint, *_LIVE, EndpointState.UNVERIFIED),
    }
)


@never_cache
@partner_page
@require_POST
def act(request: HttpRequest, partner: Partner, endpoint: UUID, name: str) -> HttpResponse:
    """Does one of the acts."""
    row = get_object_or_404(Endpoint.objects.of(partner), pk=endpoint)
    chosen = ACTS.get(name)
    if chosen is None:
        return HttpResponse(status=404)
    try:
        chosen.verb(endpoint=row, by=actor_of(request), now=clock.now(), **chosen.told)
    except ProblemError as problem:
        messages.error(request, problem.text)
    else:
        messages.success(request, f"Done: {name}.")
    return redirect("partner-endpoint", endpoint=row.pk)


@never_cache
@in_city_time
@partner_page
@require_POST
def rotate(request: HttpRequest, partner: Partner, endpoint: UUID) -> HttpResponse:
    """New keys, shown in this answer and never again."""
    row = get_object_or_404(Endpoint.objects.of(partner), pk=endpoint)
    overlap = timedelta(0) if request.POST.get("leaked") else services.KEYS_OVERLAP
    keys = services.rotate_keys(
        endpoint=row, overlap=overlap, by=actor_of(request), now=clock.now()
    )
    return _endpoint_page(request, partner, row, keys=keys)


@never_cache
@in_city_time
@partner_page
@require_http_methods(["GET", "POST"])
def delivery(request: HttpRequest, partner: Partner, delivery: UUID) -> HttpResponse:
    """One event with every attempt at it; and sends it again."""
    rows = Delivery.objects.select_related("endpoint").filter(endpoint__partner=partner)
    row = get_object_or_404(rows, pk=delivery)
    if request.method == "POST":
        try:
            services.replay(delivery=row, by=actor_of(request), now=clock.now())
        except ProblemError as problem:
            messages.error(request, problem.text)
        else:
            messages.success(request, "It is sent again.")
        return redirect("partner-delivery", delivery=row.pk)
    data = data_out(row)
    context = {
        "partner": partner,
        "delivery": row,
        "tried": row.tried.order_by("-number"),
        "data": _pretty(data) if data is not None else "",
    }
    return render(request, "webhooks/delivery.html", context)


@require_GET
def event_types(request: HttpRequest) -> HttpResponse:
    """The catalogue, for people. As JSON it is at /api/v1/partner/event-types."""
    types = [
        {
            "type": one,
            "schema": _pretty(catalogue.body_schema(one)),
            "example": _pretty(catalogue.body_example(one)),
            "urgent": one.lane == catalogue.Lane.URGENT,
        }
        for one in catalogue.every_type()
    ]
    context = {"types": types, "json": reverse("event-types")}
    return render(request, "webhooks/event_types.html", context)


@require_GET
def public_keys(request: HttpRequest, endpoint: UUID) -> JsonResponse:
    """What verifies v1a at an endpoint now: `/.well-known/webhook-keys/<endpoint>`, the newest
    first. Public by nature; an unknown endpoint has none."""
    keys = [
        {"key": key.public, "made_at": iso(key.made_at), "retires_at": iso(key.retires_at)}
        for key in SigningKey.objects.signing([endpoint], clock.now())
    ]
    return JsonResponse({"keys": keys}, headers={"Cache-Control": "max-age=300"})


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
