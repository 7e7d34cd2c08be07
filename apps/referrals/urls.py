from django.urls import path

from apps.referrals.api import cases, directory, partner

urlpatterns = [
    path(
        "encounters/<uuid:encounter>/referrals",
        cases.EncounterReferrals.as_view(),
        name="encounter-referrals",
    ),
    path(
        "encounters/<uuid:encounter>/disclosures",
        cases.Disclose.as_view(),
        name="disclose",
    ),
    path(
        "referral-tasks/<uuid:task>/answers",
        cases.TelephoneAnswer.as_view(),
        name="telephone-answer",
    ),
    path(
        "revocations/<uuid:revocation>/acknowledge",
        cases.TelephoneAcknowledgement.as_view(),
        name="telephone-acknowledgement",
    ),
    path("people/<uuid:person>/disclosures", cases.Accounting.as_view(), name="accounting"),
    path(
        "partners/<uuid:partner>/scorecard",
        cases.PartnerScorecard.as_view(),
        name="partner-scorecard",
    ),
    path("partner/referrals", partner.Referrals.as_view(), name="partner-referrals"),
    path("partner/referrals/<uuid:task>", partner.OneReferral.as_view(), name="partner-referral"),
    path(
        "partner/referrals/<uuid:task>/answers",
        partner.Answers.as_view(),
        name="partner-answer",
    ),
    path("partner/answers", partner.ManyAnswers.as_view(), name="partner-answers"),
    path("partner/revocations", partner.Revocations.as_view(), name="partner-revocations"),
    path(
        "partner/revocations/<uuid:revocation>/acknowledge",
        partner.AcknowledgeRevocation.as_view(),
        name="partner-acknowledge",
    ),
    path("partner/scorecard", partner.OwnScorecard.as_view(), name="own-scorecard"),
    path("partner/services", directory.PartnerServices.as_view(), name="partner-services"),
    path(
        "partner/services/<uuid:service>/capacity",
        directory.ServiceCapacity.as_view(),
        name="service-capacity",
    ),
]
