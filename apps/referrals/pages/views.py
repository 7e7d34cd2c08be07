"""What a signed link opens: first a page that says nothing of anybody, then, for whoever has typed
a code, the referral as far as consent allows, and what can be said of it.

Each view parses, asks one verb, and shows a page or sends on to one. Nothing that is only opened
changes anything; a form that is posted twice, or from a page of yesterday, does no harm.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.services import partner_actor
from apps.accounts.throttles import seconds_to_wait
from apps.core import clock
from apps.core.ids import uuid7
from apps.core.problems import CONFLICT, INVALID, NOT_FOUND, THROTTLED, ProblemError
from apps.notify.addresses import masked
from apps.referrals import states
from apps.referrals.codes import VERBS
from apps.referrals.models import (
    LinkSession,
    PartnerContact,
    ReferralLink,
    ReferralTask,
    Service,
    Way,
)
from apps.referrals.pages.forms import BUTTONS, FORMS, CapacityForm, EnterForm, SayForm
from apps.referrals.pages.shown import moment, sections, told_nothing
from apps.referrals.services import links
from apps.referrals.services.disclosures import disclose_to_partner
from apps.sync.values import uuid_of

COOKIE: Final = "carefield_visit"
# What a page thanks for.
_TAKEN: Final = {
    **{verb: VERBS[verb].lower() for verb in FORMS},
    "capacity": "whether there is room",
    "known": "that you know of it",
}
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Opened:
    """A link that opens something, the token that it was found by, and whoever is in by it."""

    link: ReferralLink
    token: str
    session: LinkSession | None

    def address(self, name: str = "link", *args: str) -> str:
        """One of its pages."""
        return reverse(name, args=[self.token, *args])


def page_of_link(view: View) -> View:
    """A page of a link: the view is given what is opened. A link that opens nothing (any more), and
    one that there never was, are told the same."""

    @wraps(view)
    def page(request: HttpRequest, token: str, **options: str) -> HttpResponse:
        try:
            if (seconds := seconds_to_wait(request)) is not None:
                return _too_fast(request, seconds)
            link = ReferralLink.objects.opening().of_token(token).first()
            if link is None:
                answer = _closed(request, token)
            else:
                secret = request.COOKIES.get(COOKIE, "")
                running = LinkSession.objects.running(link, secret, clock.now())
                session = running.first()
                if session is not None:
                    session.link = link
                answer = view(request, Opened(link, token, session), **options)
        except ProblemError as problem:
            if problem.problem is not NOT_FOUND:
                raise
            answer = _closed(request, token)
        except (OperationalError, InterfaceError):
            text = "Too much is going on just now. Nothing was taken. Please try again."
            answer = _show(request, "said", {"title": "Please try again", "text": text}, 503)
        # `no-referrer` would have browsers send `Origin: null` with our own forms.
        answer["Referrer-Policy"] = "same-origin"
        answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        answer["Cache-Control"] = "private, no-store"
        return answer

    return page


@require_http_methods(["GET", "HEAD"])
@page_of_link
def referral(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Without a visit: to whom a code may be sent. With one: the referral, and what can be said."""
    if opened.session is None:
        return _locked(request, opened)
    link, session = opened.link, opened.session
    told: dict[str, Any] = {}
    if link.task.is_open:  # whoever has declined needs to know no more
        told = disclose_to_partner(
            task=link.task,
            way=Way.LINK,
            actor=partner_actor(link.task.partner),
            reader=session.name,
            token_id=link.pk,
            now=clock.now(),
        ).document
    task = ReferralTask.objects.get(pk=link.task_id)
    taken = request.GET.get("taken", "")
    context = {
        "told": sections(told, zone=clock.city()) if told else [],
        "nothing": bool(told) and told_nothing(told),
        "state": task.get_status_display(),
        "taken": _TAKEN.get(taken, ""),
        "revoked": list(links.revocations_of(link).values_list("pk", flat=True)),
        "known": opened.address("link-known"),
        "acts": [
            (opened.address("link-say", verb), BUTTONS[verb])
            for verb in FORMS
            if _can_say(verb, task)
        ],
        "capacity": opened.address("link-capacity")
        if Service.objects.of_partner(link.task.partner).exists()
        else "",
    }
    return _show(request, "referral", {**_visit(opened, session), **context})


@require_POST
@page_of_link
def code(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Has a code sent to a contact on file. A mail scanner that posts this has done no more."""
    contact_id = uuid_of(request.POST.get("contact"))
    if contact_id is None:
        return _locked(request, opened, error="Choose where we send the code.", status=400)
    try:
        links.ask_code(link=opened.link, contact_id=contact_id, now=clock.now())
    except ProblemError as problem:
        if problem.problem is not THROTTLED:
            raise
        minutes = int(problem.headers["Retry-After"]) // 60 + 1
        error = (
            f"Too many codes were asked for. Use the last one, or wait {minutes} minutes. If it "
            "was not you who asked, tell us: we withdraw this link and send another."
        )
        return _locked(request, opened, error=error, status=429)
    return HttpResponseRedirect(opened.address("link-enter"))


@require_http_methods(["GET", "HEAD", "POST"])
@page_of_link
def enter(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Takes a code, and lets whoever has it in."""
    if request.method != "POST":
        fresh = EnterForm(initial={"page": secrets.token_urlsafe(16)})
        return _enter(request, opened, fresh)
    form = EnterForm(request.POST)
    if not form.is_valid():
        return _enter(request, opened, form, 400)
    visit = links.open_visit(
        link=opened.link,
        code=form.cleaned_data["code"],
        name=form.cleaned_data["name"],
        page=form.cleaned_data["page"],
        own_device=form.cleaned_data["own_device"],
        now=clock.now(),
    )
    if visit is None:
        form.add_error("code", "This code is wrong, was used, or is too old. Try again, or ask "
                       "for another one.")  # fmt: skip
        return _enter(request, opened, form, 400)
    answer = HttpResponseRedirect(opened.address())
    answer.set_cookie(
        COOKIE,
        visit.secret,
        max_age=visit.session.expires_at - visit.session.opened_at,
        path=opened.address(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # `Strict` would not be sent when the mail's link is opened again
    )
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@page_of_link
def say(request: HttpRequest, opened: Opened, verb: str) -> HttpResponse:
    """Asks for what goes with a verb, and takes it."""
    if verb not in FORMS:
        return _closed(request, opened.token)
    if opened.session is None:
        return _locked(request, opened, error=_ENDED if request.method == "POST" else "")
    kind, task = FORMS[verb], ReferralTask.objects.get(pk=opened.link.task_id)
    if request.method != "POST":
        if not _can_say(verb, task):
            return _say(request, opened, verb, task, None)
        return _say(request, opened, verb, task, kind(initial=_fresh(task)))
    form = kind(request.POST)
    if not form.is_valid():
        return _say(request, opened, verb, task, form, status=400)
    try:
        links.answer_by_link(
            session=opened.session,
            verb=verb,
            told=form.told(),
            key=form.cleaned_data["key"],
            seen=form.cleaned_data["seen"],
            now=clock.now(),
        )
    except ProblemError as problem:
        if problem.problem is not CONFLICT:
            raise
        task.refresh_from_db()
        again = kind(initial={**form.cleaned_data, **_fresh(task)})
        able = again if _can_say(verb, task) else None
        return _say(request, opened, verb, task, able, changed=problem.text, status=409)
    return HttpResponseRedirect(f"{opened.address()}?taken={verb}")


@require_http_methods(["GET", "HEAD", "POST"])
@page_of_link
def capacity(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Asks whether one of the partner's services has room, and takes it."""
    if opened.session is None:
        return _locked(request, opened, error=_ENDED if request.method == "POST" else "")
    partner, asked = opened.link.task.partner, opened.link.task.service_id
    if request.method != "POST":
        form = CapacityForm(partner=partner, initial={"key": str(uuid7()), "service": asked})
        return _capacity(request, opened, opened.session, form)
    form = CapacityForm(request.POST, partner=partner)
    if not form.is_valid():
        return _capacity(request, opened, opened.session, form, 400)
    given = form.cleaned_data
    try:
        links.capacity_by_link(
            session=opened.session,
            service_id=given["service"].pk,
            status=given["status"],
            free=given["free"],
            key=given["key"],
            now=clock.now(),
        )
    except ProblemError as problem:
        if problem.problem is not INVALID:
            raise
        for error in problem.errors:
            name = error.pointer.removeprefix("/")
            form.add_error(name if name in form.fields else None, error.detail)
        return _capacity(request, opened, opened.session, form, 400)
    return HttpResponseRedirect(f"{opened.address()}?taken=capacity")


@require_POST
@page_of_link
def known(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Takes that the agency knows of a revocation."""
    if opened.session is None:
        return _locked(request, opened, error=_ENDED)
    recipient_id = uuid_of(request.POST.get("revocation"))
    if recipient_id is None:
        return _closed(request, opened.token)
    links.acknowledge_by_link(session=opened.session, recipient_id=recipient_id, now=clock.now())
    return HttpResponseRedirect(f"{opened.address()}?taken=known")


@require_POST
@page_of_link
def leave(request: HttpRequest, opened: Opened) -> HttpResponse:
    """Ends the visit."""
    if opened.session is not None:
        links.leave(session=opened.session, now=clock.now())
    answer = HttpResponseRedirect(opened.address())
    answer.delete_cookie(COOKIE, path=opened.address(), samesite="Lax")
    return answer


_SET_CAPACITY: Final = "Say whether you have room"
_ENDED: Final = "Your visit has ended, so nothing was taken. Come in with a new code."


def _can_say(verb: str, task: ReferralTask) -> bool:
    try:
        states.after(verb, status=task.status, by="partner")
    except states.NotNow:
        return False
    return True


def _fresh(task: ReferralTask) -> dict[str, str]:
    return {"key": str(uuid7()), "seen": links.stamp_of(task)}


def _visit(opened: Opened, session: LinkSession) -> dict[str, Any]:
    """What every page of a visit shows: whose it is, and until when. It closes itself then."""
    left = session.expires_at - clock.now()
    return {
        "opened": opened,
        "number": opened.link.task.referral.number,
        "name": session.name,
        "until": moment(session.expires_at.isoformat(), clock.city()),
        "refresh": max(1, int(left.total_seconds()) + 1),
        "home": opened.address(),
        "leave": opened.address("link-leave"),
    }


def _locked(
    request: HttpRequest, opened: Opened, *, error: str = "", status: int = 200
) -> HttpResponse:
    contacts = PartnerContact.objects.on_file(opened.link.task.partner)
    context = {
        "contacts": [(one.pk, masked(one.destination)) for one in contacts],
        "error": error,
        "code": opened.address("link-code"),
        "enter": opened.address("link-enter"),
    }
    return _show(request, "locked", context, status)


def _enter(
    request: HttpRequest, opened: Opened, form: EnterForm, status: int = 200
) -> HttpResponse:
    return _show(request, "enter", {"form": form, "home": opened.address()}, status)


def _say(
    request: HttpRequest,
    opened: Opened,
    verb: str,
    task: ReferralTask,
    form: SayForm | None,
    *,
    changed: str = "",
    status: int = 200,
) -> HttpResponse:
    assert opened.session is not None
    context = {
        "form": form,
        "title": BUTTONS[verb],
        "changed": changed,
        "state": task.get_status_display(),
    }
    return _show(request, "say", {**_visit(opened, opened.session), **context}, status)


def _capacity(
    request: HttpRequest,
    opened: Opened,
    session: LinkSession,
    form: CapacityForm,
    status: int = 200,
) -> HttpResponse:
    context = {"form": form, "title": _SET_CAPACITY}
    return _show(request, "say", {**_visit(opened, session), **context}, status)


def _too_fast(request: HttpRequest, seconds: int) -> HttpResponse:
    text = "Too many pages were asked for. Please wait a minute and try again."
    answer = _show(request, "said", {"title": "Please wait", "text": text}, 429)
    answer["Retry-After"] = str(seconds)
    return answer


def _closed(request: HttpRequest, token: str) -> HttpResponse:
    """Nothing here; thanks, for whoever was in just now and has said what the address names."""
    verb, secret = request.GET.get("taken", ""), request.COOKIES.get(COOKIE, "")
    taken = verb in FORMS and LinkSession.objects.has_said(token, secret, verb)
    text = "This link opens nothing: its referral is closed, or the address is not complete."
    if taken:
        text = "What you said was taken. The referral is closed now, and this link with it."
    title = "Thank you" if taken else "Nothing here"
    return _show(request, "said", {"title": title, "text": text}, 200 if taken else 404)


def _show(
    request: HttpRequest, page: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    ours = {"care": settings.CARE_NAME, "phone": settings.CARE_PHONE}
    return render(request, f"referrals/link_{page}.html", {**ours, **context}, status=status)
