"""What `make check-deps` and `make sbom` say of the dependencies, without a network."""

import importlib.util
import json
from types import ModuleType

import pytest

from tests.server_process import ROOT


@pytest.fixture(scope="module")
def dependencies() -> ModuleType:
    """The script as a module."""
    path = ROOT / ".ci" / "dependencies.py"
    spec = importlib.util.spec_from_file_location("dependencies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_licences_are_allowed(dependencies, capsys):
    """Every package below the extras has a licence that we may use, or a reason."""
    code = dependencies.print_licences(dependencies.closure(dependencies.extras()[1]))
    assert code == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("licence", "code"),
    [
        ("MIT", 0),
        ("Apache Software License", 0),
        ("GPL-3.0-only", 1),
        ("LGPL", 1),
        ("unknown", 1),
        ("MIT AND AGPL-3.0", 1),
    ],
)
def test_other_licences_are_not(dependencies, licence, code, capsys):
    """What is not known to be allowed is not."""
    package = dependencies.Package("some", "1", licence, False, ())
    assert dependencies.print_licences({"some": package}) == code
    assert ("NOT ALLOWED" in capsys.readouterr().out) == bool(code)


def test_versions_with_known_holes(dependencies, capsys):
    """What is installed has none of them; an old version is named with the reason."""
    packages = dependencies.closure(dependencies.extras()[1])
    assert dependencies.print_floors(packages) == 0, capsys.readouterr().out
    old = dependencies.Package("onnx", "1.15.0", "Apache-2.0", True, ())
    assert dependencies.print_floors({"onnx": old}) == 1
    assert "onnx 1.15.0 is below" in capsys.readouterr().out


def report(folder, *items):
    """A report of pip-audit."""
    file = folder / "report.json"
    file.write_text(json.dumps({"dependencies": items}))
    return file


def test_an_audit_without_a_database_is_none(dependencies, tmp_path, capsys):
    """pip-audit ends with 0 where it could look nothing up: that is told as what it is."""
    nothing = {"name": "grpcio", "skip_reason": "not found"}
    good = {"name": "grpcio", "version": "1", "vulns": []}
    bad = good | {"vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    assert dependencies.print_audited(report(tmp_path, nothing)) == 3
    assert "reached no database" in capsys.readouterr().out
    assert dependencies.print_audited(tmp_path / "none.json") == 3
    assert dependencies.print_audited(report(tmp_path, good)) == 0
    assert dependencies.print_audited(report(tmp_path, bad)) == 1
    assert "CVE-1; mended in 2" in capsys.readouterr().out


def test_the_bill_of_materials(dependencies):
    """What a server needs is in it, once, with versions; what only we need is not."""
    document = dependencies.sbom(dependencies.closure(dependencies.extras()[0]))
    assert document == dependencies.sbom(dependencies.closure(dependencies.extras()[0]))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    names = [component["name"] for component in document["components"]]
    assert len(names) == len(set(names))
    assert {"grpcio", "onnxruntime", "onnx", "protobuf", "numpy"} <= set(names)
    assert not {"pytest", "scikit-learn", "mypy"} & set(names)
    refs = {component["bom-ref"] for component in document["components"]}
    refs.add(document["metadata"]["component"]["bom-ref"])
    assert {entry["ref"] for entry in document["dependencies"]} == refs
    assert all(set(entry["dependsOn"]) <= refs for entry in document["dependencies"])
    assert all(component["version"] for component in document["components"])
