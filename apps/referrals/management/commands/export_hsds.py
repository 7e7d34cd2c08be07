"""`manage.py export_hsds`: the whole directory as HSDS 3.0 JSON, a list of organisations."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.management.base import BaseCommand

from apps.referrals.directory import hsdsout
from apps.referrals.models import Organization


class Command(BaseCommand):
    help = "Writes the directory as Open Referral HSDS 3.0 JSON to standard output."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = Organization.objects.whole().order_by("name", "pk")
        told = [hsdsout.organization(row) for row in rows]
        self.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
