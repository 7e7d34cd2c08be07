"""docs/openapi.yaml: each example is what its schema says, so that whoever copies one is heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

# Every worker reads it to know its tests: in C it takes a tenth of the time.
DOCUMENT = yaml.load(
    (Path(__file__).parents[2] / "docs" / "openapi.yaml").read_text(encoding="utf-8"),
    yaml.CSafeLoader,
)


def modern(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema has it: `nullable` is another type there."""
    if isinstance(schema, list):
        return [modern(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    known = {key: modern(value) for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [known, {"type": "null"}]} if schema.get("nullable") is True else known


COMPONENTS = modern(DOCUMENT["components"])


def examples() -> Iterator[Any]:
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            told = {"request": operation.get("requestBody", {}), **operation["responses"]}
            for which, body in told.items():
                for content in body.get("content", {}).values():
                    for name, example in content.get("examples", {}).items():
                        id = f"{method} {path} {which} {name}"
                        yield pytest.param(content["schema"], example["value"], id=id)


@pytest.mark.parametrize(("schema", "example"), list(examples()))
def test_an_example_is_what_its_schema_says(schema: dict[str, Any], example: Any) -> None:
    whole = {**modern(schema), "components": COMPONENTS}
    assert [error.message for error in Draft202012Validator(whole).iter_errors(example)] == []
