"""The receivers' kit: both verifiers, and the official library, agree on every recorded request."""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
import standardwebhooks.webhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from apps.webhooks import schedule

KIT = Path(__file__).parents[3] / "docs" / "webhooks"
FIXTURES = json.loads((KIT / "fixtures.json").read_text())
CASES = FIXTURES["cases"]
by_name = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def python_kit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kit", KIT / "verify.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@by_name
def test_python(case: dict[str, Any]) -> None:
    kit = python_kit()
    told = (case["body"].encode(), case["headers"], case["secrets"])
    if case["fits"]:
        assert kit.verify(*told, now=case["now"])["sequence"] == 4711
    else:
        with pytest.raises(kit.Rejected):
            kit.verify(*told, now=case["now"])


@by_name
def test_the_official_library(case: dict[str, Any]) -> None:
    class Then(standardwebhooks.webhooks.datetime):  # type: ignore[misc,name-defined]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(case["now"], tz)

    def verified(secret: str) -> bool:
        try:
            Webhook(secret).verify(case["body"], case["headers"])
        except Exception:  # noqa: BLE001  (it lets out what base64 raises)
            return False
        return True

    with patch.object(standardwebhooks.webhooks, "datetime", Then):
        assert any(map(verified, case["secrets"])) == case["fits"]


def test_javascript() -> None:
    if shutil.which("node") is None:
        pytest.skip("No Node here: the JavaScript verifier is not tried.")
    script = f"""
import {{ readFileSync }} from "node:fs";
import {{ verify, Rejected }} from {json.dumps((KIT / "verify.mjs").as_uri())};
const {{ cases }} = JSON.parse(readFileSync({json.dumps(str(KIT / "fixtures.json"))}));
const found = cases.map(({{ body, headers, secrets, now }}) => {{
  try {{ return verify(Buffer.from(body), headers, secrets, {{ now }}).sequence === 4711; }}
  catch (error) {{ if (!(error instanceof Rejected)) throw error; return false; }}
}});
console.log(JSON.stringify(found));
"""
    done = subprocess.run(
        ["node", "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [case["fits"] for case in CASES]


def test_v1a_of_the_first_one_is_by_the_public_key() -> None:
    case = CASES[0]
    key = base64.b64decode(FIXTURES["public_key"].removeprefix("whpk_"))
    headers = case["headers"]
    signature = headers["webhook-signature"].split("v1a,")[1]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{case['body']}".encode()
    Ed25519PublicKey.from_public_bytes(key).verify(base64.b64decode(signature), content)


def test_a_verifier_is_some_thirty_lines() -> None:
    for name in ("verify.py", "verify.mjs"):
        assert len((KIT / name).read_text().splitlines()) <= 36


def test_the_page_tells_the_schedule_that_is_kept() -> None:
    page = (KIT / "README.md").read_text()
    words = {5: "5 s", 60: "1 min", 300: "5 min", 1800: "30 min"}
    steps = [words.get(step, f"{step // 3600} h") for step in schedule.STEPS[1:]]
    assert ", ".join(steps) in page
