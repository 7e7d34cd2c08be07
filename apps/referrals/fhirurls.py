"""FHIR R4 for partners, below `/fhir/r4/`."""

from django.urls import path

from apps.referrals.api import fhir

urlpatterns = [
    path("metadata", fhir.Metadata.as_view(), name="fhir-metadata"),
    path("Task", fhir.Tasks.as_view(), name="fhir-tasks"),
    path("Task/<uuid:task>", fhir.OneTask.as_view(), name="fhir-task"),
    path("ServiceRequest", fhir.ServiceRequests.as_view(), name="fhir-service-requests"),
    path(
        "ServiceRequest/<uuid:referral>",
        fhir.OneServiceRequest.as_view(),
        name="fhir-service-request",
    ),
    path("Consent", fhir.Consents.as_view(), name="fhir-consents"),
    path("Consent/<uuid:consent>", fhir.OneConsent.as_view(), name="fhir-consent"),
    path(
        "Organization/<uuid:organization>",
        fhir.OneOrganization.as_view(),
        name="fhir-organization",
    ),
]
