"""What the settings make of the environment, read as a process of the product reads them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys


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
