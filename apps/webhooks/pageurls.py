"""Addresses of pages: those of a partner's people, the catalogue, the public keys."""

from django.urls import path

from apps.webhooks import pages

urlpatterns = [
    path("partner/", pages.home, name="partner-home"),
    path("partner/event-types", pages.event_types, name="event-types-page"),
    path("partner/endpoints/<uuid:endpoint>", pages.endpoint, name="partner-endpoint"),
    path("partner/endpoints/<uuid:endpoint>/rotate", pages.rotate, name="partner-rotate"),
    path("partner/endpoints/<uuid:endpoint>/do/<str:name>", pages.act, name="partner-act"),
    path("partner/deliveries/<uuid:delivery>", pages.delivery, name="partner-delivery"),
    path(".well-known/webhook-keys/<uuid:endpoint>", pages.public_keys, name="webhook-keys"),
]
