"""How the bearer tokens appear in OpenAPI. Imported when the app is ready."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class TabletScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The token that a tablet got when it was enrolled."""

    target_class = "apps.accounts.auth.TabletAuthentication"
    name = "tablet"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A tablet's token, `cft_...`."}


class ClientScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The token of a machine client, such as a CAD system."""

    target_class = "apps.accounts.auth.ClientTokenAuthentication"
    name = "client"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A client's token, `cfc_...`."}


class PartnerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The token of a partner, which receives referrals and events."""

    target_class = "apps.accounts.auth.PartnerTokenAuthentication"
    name = "partner"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """An HTTP bearer scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A partner's token, `cfp_...`."}
