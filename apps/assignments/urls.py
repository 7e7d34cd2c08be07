from django.urls import path

from apps.assignments import api

urlpatterns = [
    path("assignments", api.Assignments.as_view(), name="assignments"),
    path("assignments/<uuid:assignment>", api.OneAssignment.as_view(), name="assignment"),
    path("assignments/<uuid:assignment>/facts", api.Facts.as_view(), name="assignment-facts"),
    path("assignments/<uuid:assignment>/reassign", api.Reassign.as_view(), name="reassign"),
    path("assignments/<uuid:assignment>/cancel", api.Cancel.as_view(), name="cancel-assignment"),
    path("assignments/<uuid:assignment>/link", api.Link.as_view(), name="link-assignment"),
    path("incidents/<uuid:incident>/assign", api.Assign.as_view(), name="assign"),
    path("alerts", api.Alerts.as_view(), name="alerts"),
    path("alerts/<uuid:alert>/acknowledge", api.AcknowledgeAlert.as_view(), name="answer-alert"),
]
