"""`python manage.py fake_partner`: a receiver to try with, well or badly behaved."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.webhooks.fakepartner import BEHAVIOURS, FakePartner, Received, by_path


class Command(BaseCommand):
    help = "Receives webhooks, verifies them, shows one line for each, and behaves as told."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=9797)
        parser.add_argument("--secret", help="whsec_...: verifies each by the official library")
        parser.add_argument(
            "--behaviour",
            choices=sorted(BEHAVIOURS),
            help="for every address; otherwise the path says it: /slow, /down, ...",
        )

    def handle(self, **options: Any) -> None:
        """Runs until it is ended."""
        told = options["behaviour"]
        partner = FakePartner(
            host=options["host"],
            port=options["port"],
            secret=options["secret"],
            behave=by_path if told is None else lambda received: BEHAVIOURS[told],
            heard=self._show,
        )
        with partner.running():
            self.stdout.write(f"Listening at {partner.url}/ ({', '.join(sorted(BEHAVIOURS))})")
            self.stdout.flush()
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                self.stdout.write(f"{len(partner.received)} received.")

    def _show(self, received: Received) -> None:
        word = {True: "verified", False: "NOT VERIFIED", None: "not checked"}[received.verified]
        try:
            event = received.event
            said = f"{event['type']} sequence {event['sequence']}"
        except (ValueError, KeyError, TypeError):
            said = "no event of ours"
        self.stdout.write(f"{received.id} {said} {word}")
        self.stdout.flush()
