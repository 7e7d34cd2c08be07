"""What the tests of figures share: the world of assignments, and responders who write in it."""

from __future__ import annotations

from tests.integration.casenotes import conftest as casenotes

world = casenotes.world
crew = casenotes.crew
