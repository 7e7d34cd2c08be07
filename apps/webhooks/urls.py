from django.urls import path

from apps.webhooks.api import deliveries, endpoints

_ONE = "partner/endpoints/<uuid:endpoint>"

urlpatterns = [
    path("partner/event-types", deliveries.EventTypes.as_view(), name="event-types"),
    path("partner/events", deliveries.Events.as_view(), name="partner-events"),
    path("partner/endpoints", endpoints.Endpoints.as_view(), name="endpoints"),
    path(_ONE, endpoints.OneEndpoint.as_view(), name="endpoint"),
    path(f"{_ONE}/verify", endpoints.VerifyEndpoint.as_view(), name="verify-endpoint"),
    path(f"{_ONE}/test", endpoints.TestEndpoint.as_view(), name="test-endpoint"),
    path(f"{_ONE}/pause", endpoints.PauseEndpoint.as_view(), name="pause-endpoint"),
    path(f"{_ONE}/resume", endpoints.ResumeEndpoint.as_view(), name="resume-endpoint"),
    path(f"{_ONE}/rotate", endpoints.RotateKeys.as_view(), name="rotate-keys"),
    path(f"{_ONE}/replay", endpoints.ReplaySince.as_view(), name="replay-since"),
    path(f"{_ONE}/deliveries", deliveries.Deliveries.as_view(), name="deliveries"),
    path("partner/deliveries/<uuid:delivery>", deliveries.OneDelivery.as_view(), name="delivery"),
    path(
        "partner/deliveries/<uuid:delivery>/replay",
        deliveries.ReplayDelivery.as_view(),
        name="replay-delivery",
    ),
]
