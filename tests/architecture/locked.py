"""Whether requirements/*.txt answers requirements/*.in: `python -m tests.architecture.locked`.

Every line of an .in file has a reason and a locked version that it allows; every locked version has
hashes; what production runs is what was tested. Reads files only, so it works without a network.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def problems(folder: Path = REQUIREMENTS) -> Iterator[str]:
    """One line for each thing that is out of order."""
    locked = {}
    for name in ("base", "dev"):
        locked[name], complaints = _locked(folder / f"{name}.txt")
        yield from complaints
        for line in _lines(folder / f"{name}.in"):
            wish, _, reason = (part.strip() for part in line.partition("#"))
            if wish == "-r base.in":
                continue
            requirement = Requirement(wish)
            version = locked[name].get(canonicalize_name(requirement.name))
            if not reason:
                yield f"{name}.in: {requirement.name} has no reason beside it"
            if version is None:
                yield f"{name}.txt: {requirement.name} is not locked"
            elif not requirement.specifier.contains(version, prereleases=True):
                yield f"{name}.txt: {requirement.name} {version} is not {requirement.specifier}"
    for package, version in locked["base"].items():
        if locked["dev"].get(package) != version:
            yield f"{package} {version} of base.txt is not in dev.txt: it was not tested"


def _lines(path: Path) -> Iterator[str]:
    """The lines that name a package."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line


def _locked(path: Path) -> tuple[dict[str, str], list[str]]:
    """Version of each package of a locked file, and what is wrong with the file."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    versions, complaints = {}, []
    for line in text.splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;]+)", line):
            versions[canonicalize_name(match[1])] = match[2]
            if "--hash=sha256:" not in line:
                complaints.append(f"{path.name}: {match[1]} has no hash")
    return versions, complaints


if __name__ == "__main__":
    found = list(problems())
    for problem in found:
        sys.stderr.write(f"{problem}. `make lock` locks anew.\n")
    sys.exit(bool(found))
