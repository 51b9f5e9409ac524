"""The packages of all languages have the version of the server."""

import json
import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import stubtail

CLIENTS = Path(__file__).parents[3] / "clients"
MAVEN = {"m": "http://maven.apache.org/POM/4.0.0"}


def _go(path: Path) -> list[str]:
    return re.findall(r'^const Version = "(.+)"$', path.read_text("utf-8"), re.MULTILINE)


def _npm(path: Path) -> list[str]:
    return [json.loads(path.read_text("utf-8"))["version"]]


def _maven(path: Path) -> list[str]:
    found = ET.parse(path).getroot().find("m:version", MAVEN)
    return [found.text or ""] if found is not None else []


def _crate(path: Path) -> list[str]:
    return [tomllib.loads(path.read_text("utf-8"))["package"]["version"]]


# The wheel has the server's own version: pyproject.toml reads it from there.
PACKAGES: dict[str, Callable[[Path], list[str]]] = {
    "go/client.go": _go,  # a module has a version in git's tags alone; this one is sent
    "typescript/package.json": _npm,
    "java/pom.xml": _maven,
    "rust/Cargo.toml": _crate,
}


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_has_the_version_of_the_server(name: str) -> None:
    """Who reports a defect says one number."""
    path = CLIENTS / name
    if not path.exists():
        pytest.skip(f"there is no clients/{name}")
    assert PACKAGES[name](path) == [stubtail.__version__]


def test_the_wheel_reads_the_version_of_the_server() -> None:
    """It is written in one place."""
    project = tomllib.loads((CLIENTS.parent / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "server/stubtail/__init__.py"
