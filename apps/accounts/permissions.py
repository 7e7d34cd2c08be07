"""Who may call an endpoint. Each view names one of these; the default lets nobody in."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.accounts.auth import TabletSession
from apps.accounts.models import DESK_ROLES, Client, Partner, Role, User

_LOST = (
    "This tablet counts as lost, or was not heard of for long. What was typed on it is still taken."
    " Then enrol it anew, or have a supervisor say that it was found."
)


class Nobody(BasePermission):
    """The default: an endpoint that forgot to say who may call it is closed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


def _is_lost(request: Request) -> bool:
    return isinstance(request.auth, TabletSession) and request.auth.lost


class IsTablet(BasePermission):
    """An enrolled tablet, with or without a responder. Not one that is lost."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if _is_lost(request):
            self.message = _LOST
            return False
        return isinstance(request.auth, TabletSession)


class IsAnyTablet(BasePermission):
    """An enrolled tablet, also a lost one: for the endpoints of synchronisation, where it hands in
    what was typed on it and is told to drop what it holds."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, TabletSession)


class IsCAD(BasePermission):
    """A CAD system by its client token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Client)


class IsPartner(BasePermission):
    """A partner by its token. A partner's people have pages of their own, and no endpoint."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Partner)


class _Staff(BasePermission):
    roles: frozenset[str] = frozenset()

    def has_permission(self, request: Request, view: Any) -> bool:
        if _is_lost(request):
            self.message = _LOST
        user = request.user
        return isinstance(user, User) and user.is_active and user.role in self.roles


class IsDesk(_Staff):
    """A supervisor or a dispatcher."""

    roles = DESK_ROLES


class IsSupervisor(_Staff):
    roles = frozenset({Role.SUPERVISOR})


class IsPerson(_Staff):
    """Anyone of ours with an account: responders see their own, desks what they were granted."""

    roles = DESK_ROLES | {Role.RESPONDER}


class IsResponder(_Staff):
    roles = frozenset({Role.RESPONDER})


class IsRecordKeeper(_Staff):
    """A responder or a supervisor: who reads what was learned of people. The dispatch desk does
    not."""

    roles = frozenset({Role.RESPONDER, Role.SUPERVISOR})


class IsTabletOrDesk(IsTablet):
    """Either of them. (Of two permissions that are put together by `|`, no message is told.)"""

    def has_permission(self, request: Request, view: Any) -> bool:
        return super().has_permission(request, view) or IsDesk().has_permission(request, view)


class IsTabletOrPerson(IsTablet):
    """Either of them."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return super().has_permission(request, view) or IsPerson().has_permission(request, view)
