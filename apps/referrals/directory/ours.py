"""What this project says of a service beyond HSDS, as HSDS attributes with a taxonomy of its own:
what it is for, how people come to it, whom it takes. So it travels in an export, and comes back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from apps.referrals.directory import codes

_NAMESPACE: Final = UUID("3d0d7b61-35e9-5f7a-9a0b-6b1a0c8f2e55")
_PREFIX: Final = "carefield:"
# Taxonomy -> the column that holds its codes, and what they are.
_TAXONOMIES: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    f"{_PREFIX}use": ("used_for", codes.USES),
    f"{_PREFIX}reach": ("reach", codes.REACHES),
    f"{_PREFIX}admission": ("criteria", codes.CRITERIA),
}


def split(attributes: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    """What the attributes say in our terms, by column; and those of others. The columns are all
    there, or none: a feed that knows nothing of ours takes nothing back."""
    others: list[Any] = []
    found: dict[str, list[str]] = {}
    for one in attributes:
        term = one.get("taxonomy_term") if isinstance(one, dict) else None
        term = term if isinstance(term, dict) else {}
        if known := _TAXONOMIES.get(str(term.get("taxonomy"))):
            found.setdefault(known[0], []).append(str(term.get("code")))
        else:
            others.append(one)
    if not found:
        return {}, others
    told = {
        "used_for": found.get("used_for", ["other"])[0],
        "reach": found.get("reach", ["on_site"])[0],
        "criteria": list(dict.fromkeys(found.get("criteria", []))),
    }
    return told, others


def unknown(told: Mapping[str, Any]) -> Iterator[str]:
    """The codes that are none of ours."""
    for column, known in _TAXONOMIES.values():
        value = told.get(column, [])
        for code in value if isinstance(value, list) else [value]:
            if code not in known:
                yield code


def attributes(service: UUID, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inverse of `split`: nothing where nothing was told. Ids follow from the service's."""
    plain = {"used_for": "other", "reach": "on_site", "criteria": []}
    if all(told[name] == value for name, value in plain.items()):
        return []
    return [
        {
            "id": str(uuid5(service, f"{taxonomy}:{code}")),
            "link_entity": "service",
            "link_type": taxonomy.removeprefix(_PREFIX),
            "value": code,
            "taxonomy_term": {
                "id": str(uuid5(_NAMESPACE, f"{taxonomy}:{code}")),
                "code": code,
                "name": known[code],
                "description": known[code],
                "taxonomy": taxonomy,
            },
        }
        for taxonomy, (column, known) in _TAXONOMIES.items()
        for code in (told[column] if isinstance(told[column], list) else [told[column]])
        if code in known
    ]
