"""The reference client is installed by itself, away from this repository, and works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from apps.accounts.models import Tablet
from apps.simulator.stack import PROJECT
from apps.sync.models import TakenWrite
from tests.factories import tablet
from tests.functional.dispatch.street import on_duty
from tests.processes import Server

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_SYNC = """
import asyncio, json, random, sys
import carefield_tablet, httpx2
from carefield_tablet.tablet import Tablet

class Link:
    transport = httpx2.AsyncHTTPTransport(trust_env=False)
    dial = None

async def main():
    url, token, author = sys.argv[1:]
    tablet = Tablet(
        label="new", base_url=url, path="tablet.sqlite", link=Link(), dice=random.Random()
    )
    tablet.store.enrolled(token)
    tablet.store.signed_in(author)
    tap = tablet.tap("opened", "01931f6e-7f42-7c3a-9a51-0d7a8f4b2c11", entry="on_view")
    await tablet.replication.push()
    await tablet.catch_up(telling=False)
    told = tablet.store.get("facts", tap["id"])
    checks = [await tablet.replication.check(name) for name in tablet.replication.collections]
    print(json.dumps({
        "from": carefield_tablet.__file__, "fact": tap["id"], "unsent": tablet.status.outbox.unsent,
        "order": told["order"], "checks": checks,
        "assignments": len(tablet.store.documents("assignments")),
        "server": [name for name in sys.modules if name.split(".")[0] in ("apps", "django")],
    }))
    await tablet.close()

asyncio.run(main())
"""


def test_an_installed_tablet_tells_a_fact_and_agrees_with_the_server(
    server: Server, tmp_path: Path
) -> None:
    source, installed = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(PROJECT / "apps/simulator/tablet", source)  # a build leaves traces
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, *offline, "--target", str(installed), str(source)], check=True)
    [user] = on_duty(CARE21=1).crews["CARE21"]
    of = tablet(user)

    done = subprocess.run(
        [sys.executable, "-c", FIRST_SYNC, server.url, of.token, str(user.pk)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["from"].startswith(str(installed))
    assert said["server"] == []
    assert said["unsent"] == 0
    assert said["order"]
    assert said["assignments"] == 1
    assert set(said["checks"]) == {True}
    assert TakenWrite.objects.filter(doc_id=said["fact"]).exists()
    assert Tablet.objects.get(pk=of.tablet.pk).last_seen_at is not None
