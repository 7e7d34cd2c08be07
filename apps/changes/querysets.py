"""The one rule of who may see a record. Pulls and sockets follow the same rows as API and admin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Model, OuterRef

from apps.changes.models import Grant, Member
from apps.changes.services import EVERYONE
from apps.core.querysets import QuerySet

M = TypeVar("M", bound=Model)


def holds_one_of(*, principal: UUID, scopes: Iterable[str]) -> bool:
    """Whether what is in these scopes is for this principal to see."""
    return Grant.objects.filter(principal=principal, scope__in=list(scopes)).exists()


class VisibleQuerySet(QuerySet[M]):
    """Base of the QuerySet of every model that is published. `COLLECTION` is its collection, or the
    column that names it, `DOC_ID` the column that names the document: its own key, or that of what
    it belongs to."""

    COLLECTION: ClassVar[str | OuterRef]
    DOC_ID: ClassVar[str] = "pk"

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows whose document is in a scope that is granted to the user, or to everyone.

        Nobody is an exception: a superuser without grants sees nothing, nor does anyone who is not
        signed in.
        """
        if user.pk is None:
            return self.none()
        granted = Grant.objects.filter(principal__in=[user.pk, EVERYONE]).values("scope")
        return self.filter(
            Exists(
                Member.objects.filter(
                    collection=self.COLLECTION, doc_id=OuterRef(self.DOC_ID), scope__in=granted
                )
            )
        )
