"""What the settings make of the environment, read as a process of the product reads them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"NOTIFY_LEASE_SECONDS": "60"}, "NOTIFY_LEASE_SECONDS must be longer"),
        (
            {"TASK_TIME_LIMIT_SECONDS": "120", "NOTIFY_LEASE_SECONDS": "110"},
            "NOTIFY_LEASE_SECONDS must be longer",
        ),
        ({"NOTIFY_TURN_SECONDS": "36"}, "NOTIFY_TURN_SECONDS must end before"),
        ({"TEAM_OPENS": "noon"}, "TEAM_OPENS must be a time of the day"),
        (
            {
                "TEXT_SENDER": "apps.notify.channels.console.text",
                "CAREFIELD_ENV": "production",
                "ALLOWED_HOSTS": "care.example.org",
                "SECRET_KEY": "x" * 50,
                "FIELD_KEYS": f"k1:{'A' * 43}=",
                "INDEX_KEY": f"{'A' * 43}=",
            },
            "TEXT_SENDER writes what it is given to the log",
        ),
    ],
    ids=lambda told: "" if isinstance(told, str) else " ".join(told)[:40],
)
def test_what_would_not_work_stops_the_start(environ: dict[str, str], said: str) -> None:
    known = {
        **os.environ,
        "CAREFIELD_ENV": "development",
        "DATABASE_URL": "postgresql://app@127.0.0.1/none",
        "REDIS_URL": "redis://127.0.0.1",
    }
    told = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        env={**known, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert said in told.stderr


def test_a_migration_gives_up_a_lock_before_those_who_wait_behind_it() -> None:
    environ = {
        **os.environ,
        "CAREFIELD_ENV": "development",
        "DATABASE_URL": "postgresql://app@127.0.0.1/none",
        "DATABASE_OWNER_URL": "postgresql://owner@127.0.0.1/none",
        "REDIS_URL": "redis://127.0.0.1",
    }
    code = (
        "import json; from config.settings import DATABASES\n"
        "print(json.dumps({name: one['OPTIONS'] for name, one in DATABASES.items()}))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, check=True
    )
    patience = {}
    for name, options in json.loads(told.stdout).items():
        found = re.search(r"lock_timeout=(\d+)ms", options.get("options", ""))
        assert found, f"{name} waits for ever"
        patience[name] = int(found[1])
    assert patience["owner"] < patience["default"]
