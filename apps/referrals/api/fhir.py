"""FHIR R4 for a partner's systems: `/fhir/r4/`. What it serves is told by its own description, the
CapabilityStatement at `metadata`, and not by OpenAPI, which would say of a resource no more than
"object". See docs/fhir.md.

Every read is written down. A read of a ServiceRequest is a disclosure like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api import partner_of
from apps.accounts.auth import PartnerTokenAuthentication
from apps.accounts.models import Partner
from apps.accounts.permissions import IsPartner
from apps.accounts.services import partner_actor
from apps.audit.services import record
from apps.core import clock
from apps.core.problems import INVALID, exception_handler
from apps.core.rendering import JSONParser, JSONRenderer
from apps.referrals import records
from apps.referrals.api.partner import task_for
from apps.referrals.codes import TASK_STATUSES
from apps.referrals.consenting import in_force
from apps.referrals.fhir import resources, serving
from apps.referrals.fhir.serving import Search
from apps.referrals.fhir.terms import MEDIA_TYPE, Resource
from apps.referrals.models import Consent, ReferralTask, Way
from apps.referrals.services.disclosures import disclose_to_partner
from apps.referrals.services.fhir import update_task


class FHIRRenderer(JSONRenderer):
    media_type = MEDIA_TYPE


class FHIRParser(JSONParser):
    media_type = MEDIA_TYPE


def outcome_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER for FHIR: every problem becomes an OperationOutcome. What a resource
    says that it may not is 422, what an address says 400."""
    answer = exception_handler(exc, context)
    if answer is None or not isinstance(answer.data, Mapping):
        return answer
    status = answer.status_code
    if answer.data["code"] == INVALID.code and "errors" in answer.data:
        status = 400 if context["request"].method == "GET" else 422
    kept = {
        name: answer[name]
        for name in ("WWW-Authenticate", "Retry-After")
        if answer.has_header(name)
    }
    told = serving.operation_outcome(answer.data)
    return Response(told, status=status, headers=kept, content_type=MEDIA_TYPE)


class FHIRView(APIView):
    """What every address of `/fhir/r4/` shares: a partner by its own token, `application/fhir+json`
    in and out (plain JSON is taken for it)."""

    schema = None  # of OpenAPI
    permission_classes = [IsPartner]
    authentication_classes = [PartnerTokenAuthentication]
    renderer_classes = [FHIRRenderer, JSONRenderer]
    parser_classes = [FHIRParser, JSONParser]

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return outcome_handler


class Metadata(FHIRView):
    """The CapabilityStatement. It says nothing that is not in the documentation."""

    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        told = serving.capability_statement(
            base=_base(request), publisher=settings.CARE_NAME, now=clock.now()
        )
        return Response(told)


class Tasks(FHIRView):
    """Search of the referrals' tasks that this partner was sent, the newest first."""

    def get(self, request: Request) -> Response:
        asked, mine = _search(request, "Task"), ReferralTask.objects.to(partner_of(request))
        rows = mine.with_version().select_related("referral", "partner")
        if asked.ids is not None:
            rows = rows.filter(pk__in=asked.ids)
        if asked.statuses is not None:
            rows = rows.filter(status__in=asked.statuses)
        if asked.owners is not None:
            ids = {resources.id_in(one, "Organization") for one in asked.owners}
            rows = rows.filter(partner__in=ids - {None})
        if asked.focuses is not None:
            ids = {resources.id_in(one, "ServiceRequest") for one in asked.focuses}
            rows = rows.filter(referral__in=ids - {None})
        for compared, at in asked.updated:
            rows = rows.filter(**{f"updated_at__{compared}": at})
        page, total, following = _page(request, rows, asked, "sent_at", of=mine)
        _looked(request, "referral", [row.referral_id for row in page])
        return _bundle(request, [_task(row) for row in page], total, following)


class OneTask(FHIRView):
    """A referral's task: how it stands. PUT answers it."""

    def get(self, request: Request, task: UUID) -> Response:
        row = task_for(request, task)
        _looked(request, "referral", [row.referral_id])
        return self._as_it_stands(row)

    def put(self, request: Request, task: UUID) -> Response:
        row = task_for(request, task)
        version = serving.version_in(request.headers.get("If-Match"))
        update_task(
            task=row,
            body=request.data,
            version=version,
            token_id=partner_of(request).token_id,
            now=clock.now(),
        )
        return self._as_it_stands(row)

    def _as_it_stands(self, row: ReferralTask) -> Response:
        rows = ReferralTask.objects.with_version().select_related("referral", "partner")
        told = _task(rows.get(pk=row.pk))
        return Response(told, headers={"ETag": f'W/"{told["meta"]["versionId"]}"'})


class ServiceRequests(FHIRView):
    """Search of what this partner was asked for. Each that is found is a disclosure."""

    def get(self, request: Request) -> Response:
        partner, asked = partner_of(request), _search(request, "ServiceRequest")
        rows = ReferralTask.objects.newest_of_each(partner)
        if asked.ids is not None:
            rows = rows.filter(referral__in=asked.ids)
        if asked.statuses is not None:
            known = [
                one for one in TASK_STATUSES if resources.request_status(one) in asked.statuses
            ]
            rows = rows.filter(status__in=known)
        mine = ReferralTask.objects.to(partner)
        page, total, following = _page(request, rows, asked, "sent_at", of=mine)
        return _bundle(request, [_disclosed(request, row) for row in page], total, following)


class OneServiceRequest(FHIRView):
    """What somebody needs, as far as the consents that hold now let this partner read it."""

    def get(self, request: Request, referral: UUID) -> Response:
        rows = ReferralTask.objects.newest_of_each(partner_of(request))
        return Response(_disclosed(request, get_object_or_404(rows, referral=referral)))


class Consents(FHIRView):
    """Search of the consents that name this partner, the newest first."""

    def get(self, request: Request) -> Response:
        partner, asked = partner_of(request), _search(request, "Consent")
        mine = Consent.objects.naming(partner)
        rows = mine
        if asked.ids is not None:
            rows = rows.filter(pk__in=asked.ids)
        if asked.statuses is not None:
            rows = rows.filter(_with_status(asked.statuses))
        page, total, following = _page(request, rows, asked, "given_at", of=mine)
        told = [_consent(row, partner) for row in page]
        _looked(request, "consent", [row.pk for row in page])
        return _bundle(request, told, total, following)


class OneConsent(FHIRView):
    """What a consent opens for this partner, and until when."""

    def get(self, request: Request, consent: UUID) -> Response:
        partner = partner_of(request)
        row = get_object_or_404(Consent.objects.naming(partner), pk=consent)
        _looked(request, "consent", [row.pk])
        return Response(_consent(row, partner))


class OneOrganization(FHIRView):
    """This partner itself."""

    def get(self, request: Request, organization: UUID) -> Response:
        rows = Partner.objects.filter(pk=partner_of(request).pk)
        return Response(resources.organization(get_object_or_404(rows, pk=organization)))


def _task(row: Any) -> Resource:
    """`row` is one of `with_version`."""
    return resources.task(
        row, version=row.version, updated_at=row.updated_at, requester=settings.CARE_NAME
    )


def _disclosed(request: Request, row: ReferralTask) -> Resource:
    form = partial(
        resources.service_request, row=row, requester=settings.CARE_NAME, zone=clock.city()
    )
    return disclose_to_partner(
        task=row,
        way=Way.FHIR,
        actor=partner_actor(partner_of(request)),
        token_id=partner_of(request).token_id,
        form=form,
        now=clock.now(),
    ).document


def _consent(row: Consent, partner: Partner) -> Resource:
    grant = records.grant_of(row, frozenset({partner.pk}))
    return resources.consent(
        row,
        active=in_force(grant, clock.now()),
        recipients=[partner],
        organization=settings.CARE_NAME,
    )


def _with_status(statuses: frozenset[str]) -> Q:
    """Consents that are revoked or over are inactive; so is one that lacks something, which is not
    known without opening it: it is found as active, and says of itself that it is not."""
    over = Q(revoked_at__isnull=False) | Q(expires_at__lte=clock.now())
    found = Q(pk__in=[])
    if "active" in statuses:
        found |= ~over
    if "inactive" in statuses:
        found |= over
    return found


def _search(request: Request, kind: str) -> Search:
    given = {name: request.query_params.getlist(name) for name in request.query_params}
    return serving.search(kind, given)


def _page(
    request: Request, rows: QuerySet[Any], asked: Search, ordered_by: str, *, of: QuerySet[Any]
) -> tuple[list[Any], int, str | None]:
    """One page, how many there are in all, and the address of the next page. The page goes on after
    a row `of` the partner's, which need not be found any more: whoever asks for what waits answers
    as they go."""
    total = rows.count()
    if asked.cursor is not None:
        last: Model = get_object_or_404(of, pk=asked.cursor)
        at = getattr(last, ordered_by)
        later = Q(**{f"{ordered_by}__lt": at}) | Q(**{ordered_by: at, "pk__lt": last.pk})
        rows = rows.filter(later)
    found = list(rows.order_by(f"-{ordered_by}", "-pk")[: asked.count + 1])
    if len(found) <= asked.count:
        return found, total, None
    page = found[: asked.count]
    query = request.query_params.copy()
    query["_cursor"] = str(page[-1].pk)
    return page, total, request.build_absolute_uri(f"?{query.urlencode()}")


def _bundle(request: Request, found: list[Resource], total: int, following: str | None) -> Response:
    return Response(
        resources.bundle(
            found,
            base=_base(request),
            total=total,
            itself=request.build_absolute_uri(),
            following=following,
        )
    )


def _base(request: Request) -> str:
    return request.build_absolute_uri("/fhir/r4")


def _looked(request: Request, subject_type: str, ids: list[UUID]) -> None:
    record(
        actor=partner_actor(partner_of(request)),
        action="read",
        subject_type=subject_type,
        subject_ids=ids,
        now=clock.now(),
    )
