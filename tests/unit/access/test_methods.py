"""Every RPC has a scope: a new one without a line in the table fails here."""

import importlib
import pkgutil
from pathlib import Path

import pytest

import stubtail.v1
from stubtail.access.methods import METHODS, OPEN, REFLECTION, methods_with
from stubtail.access.scopes import SCOPES
from stubtail.endpoints import reflection
from stubtail.oip import inference_pb2
from stubtail.standard import health_pb2

PUBLIC = [
    f"stubtail.v1.{module.name}"
    for module in pkgutil.iter_modules([str(Path(stubtail.v1.__file__).parent)])
    if module.name.endswith("_pb2")
]


def described_paths() -> set[str]:
    """The paths of all methods of all files."""
    files = [importlib.import_module(name).DESCRIPTOR for name in PUBLIC]
    files += [inference_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR]
    return {
        f"/{service.full_name}/{method.name}"
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    }


def test_every_rpc_has_a_scope() -> None:
    """Deny by default means that a forgotten one answers nobody; so none may be forgotten."""
    missing = described_paths() - METHODS.keys()
    assert not missing, f"add to access/methods.py: {sorted(missing)}"


def test_reflection_has_one_too() -> None:
    """Its methods are registered by their endpoint, in both versions."""
    paths = {method.path for method in reflection.ReflectionEndpoint([]).methods()}
    assert paths <= METHODS.keys()
    assert {METHODS[path] for path in paths} == {REFLECTION}


def test_every_scope_of_the_table_is_one() -> None:
    """And only probes are open."""
    assert set(METHODS.values()) <= SCOPES | {OPEN, REFLECTION}
    open_paths = {path for path, scope in METHODS.items() if scope == OPEN}
    assert {path.rpartition("/")[0] for path in open_paths} == {
        "/grpc.health.v1.Health",
        "/inference.GRPCInferenceService",
    }
    assert {path.rpartition("/")[2] for path in open_paths} == {
        "Check", "List", "Watch", "ServerLive", "ServerReady",
    }  # fmt: skip


@pytest.mark.parametrize(("setting", "scope"), [("open", OPEN), ("read", "read"), ("off", "read")])
def test_reflection_is_a_setting(setting: str, scope: str) -> None:
    """Where it is off it is not there at all, and would not be open."""
    table = methods_with(setting)
    assert table["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] == scope
    assert table.keys() == METHODS.keys()
