"""`manage.py fake_partner`, as a partner's developer starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx2

from apps.core import clock
from apps.core.ids import uuid7
from apps.webhooks import signing

ROOT = Path(__file__).parents[3]


def test_it_says_what_came_and_whether_it_is_signed() -> None:
    keys = signing.new_keys()
    pair = signing.Keys(keys.secret, keys.private)
    body = b'{"type":"thing.changed","sequence":3,"data":{"challenge":"abc"}}'
    command = [sys.executable, "manage.py", "fake_partner", "--port", "0", "--secret", keys.secret]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r"http://[\d.]+:\d+/", process.stdout.readline())
            assert found
            id = uuid7()
            headers = signing.headers(id, clock.now(), body, [pair])
            with httpx2.Client(trust_env=False) as client:
                answer = client.post(f"{found[0]}well", content=body, headers=headers)
                assert answer.json() == {"challenge": "abc"}
                assert client.post(f"{found[0]}gone", content=body).status_code == 410
            said = [process.stdout.readline() for _ in range(2)]
            assert said[0] == f"{id} thing.changed sequence 3 verified\n"
            assert "NOT VERIFIED" in said[1]
        finally:
            process.kill()
