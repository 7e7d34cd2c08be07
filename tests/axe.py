"""axe-core on a page in a real browser: what breaks WCAG 2.2 AA as far as a machine can tell.

It comes with the packages of `make rxdb`; where they are missing, its tests skip.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

AXE = Path(__file__).parent / "rxdb" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def needed() -> None:
    """Skips the test where axe-core is not here."""
    if not AXE.exists():
        pytest.skip("axe-core is not here (make rxdb): the pages are not judged by it")


def violations(page: Page, within: str = "body") -> list[str]:
    """Each violation in a part of the page: the rule, the first element, what to mend."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "([place, tags]) => axe.run(place, {runOnly: tags}).then(done => done.violations)"
    found = page.evaluate(run, [within, RULES])
    return [
        f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}"
        for one in found
    ]
