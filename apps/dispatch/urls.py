from django.urls import path

from apps.dispatch.api import crews, incidents, intake, me

urlpatterns = [
    path("me", me.Me.as_view(), name="me"),
    path("dispatch/eido", intake.TakeEido.as_view(), name="take-eido"),
    path("dispatch/incidents", intake.TakeIncident.as_view(), name="take-incident"),
    path("held-messages", intake.HeldMessages.as_view(), name="held-messages"),
    path("held-messages/<uuid:held>", intake.OneHeldMessage.as_view(), name="held-message"),
    path(
        "held-messages/<uuid:held>/replay",
        intake.ReplayHeldMessage.as_view(),
        name="replay-held-message",
    ),
    path("incidents", incidents.Incidents.as_view(), name="incidents"),
    path("incidents/<uuid:incident>", incidents.OneIncident.as_view(), name="incident"),
    path("units", crews.Units.as_view(), name="units"),
    path("units/<uuid:unit>/crew", crews.Crew.as_view(), name="crew"),
    path("units/<uuid:unit>/join", crews.JoinCrew.as_view(), name="join-crew"),
    path("crews/leave", crews.LeaveCrew.as_view(), name="leave-crew"),
    path("shifts", crews.Shifts.as_view(), name="shifts"),
    path("shifts/<uuid:shift>/end", crews.EndShift.as_view(), name="end-shift"),
]
