"""Pins what the check of the released API finds: each kind of break, and nothing in an addition."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

PATH = Path(__file__).parents[2] / "proto" / "compatible.py"


@pytest.fixture(scope="module")
def compatible() -> Any:
    """proto/compatible.py as a module; it is a script and no part of a package."""
    spec = importlib.util.spec_from_file_location("proto_compatible", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def released(compatible: Any) -> descriptor_pb2.FileDescriptorSet:
    """The committed image."""
    return descriptor_pb2.FileDescriptorSet.FromString(compatible.RELEASED.read_bytes())


def the(things: Any, name: str) -> Any:
    """The one of this name."""
    return next(one for one in things if one.name == name)


def _file(image: Any) -> Any:
    return the(image.file, "stubtail/v1/scoring.proto")


def _request(image: Any) -> Any:
    return the(_file(image).message_type, "ScoreRequest")


def _without(things: Any, name: str) -> None:
    things.remove(the(things, name))


BREAKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "file": (lambda i: i.file.remove(_file(i)), "scoring.proto is gone"),
    "package": (lambda i: setattr(_file(i), "package", "other"), "package stubtail.v1"),
    "message": (lambda i: _without(_file(i).message_type, "Column"), "Column is gone"),
    "field": (lambda i: _without(_request(i).field, "priority"), "priority: field"),
    "name": (lambda i: setattr(the(_request(i).field, "model"), "name", "m"), "name was 'model'"),
    "number": (lambda i: setattr(the(_request(i).field, "model"), "number", 99), "model: field"),
    "type": (lambda i: setattr(the(_request(i).field, "model"), "type", 5), "type was"),
    "label": (lambda i: setattr(the(_request(i).field, "model"), "label", 3), "label was"),
    "json": (lambda i: setattr(the(_request(i).field, "model"), "json_name", "x"), "json_name"),
    "oneof": (lambda i: the(_request(i).field, "dense").ClearField("oneof_index"), "oneofs"),
    "value": (
        lambda i: the(
            the(the(i.file, "stubtail/v1/common.proto").enum_type, "Priority").value,
            "PRIORITY_HIGH",
        ).__setattr__("number", 77),
        "PRIORITY_HIGH",
    ),
    "method": (lambda i: _without(_file(i).service[0].method, "Score"), "method Score is gone"),
    "streaming": (
        lambda i: setattr(the(_file(i).service[0].method, "Score"), "server_streaming", True),
        "server_streaming was",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_found(compatible: Any, released: Any, name: str) -> None:
    """With the path of what broke."""
    change, told = BREAKS[name]
    now = descriptor_pb2.FileDescriptorSet.FromString(released.SerializeToString())
    change(now)
    found = compatible.findings(released, now)
    assert found
    assert any(told in one for one in found), found


def test_additions_break_nothing(compatible: Any, released: Any) -> None:
    """A file, a message, a field, a value and a method more."""
    now = descriptor_pb2.FileDescriptorSet.FromString(released.SerializeToString())
    now.file.add(name="new.proto", package="new")
    _file(now).message_type.add(name="New").field.add(name="new", number=1)
    _request(now).field.add(name="new", number=4000)
    the(now.file, "stubtail/v1/common.proto").enum_type[0].value.add(name="NEW", number=4000)
    _file(now).service[0].method.add(name="New")
    assert compatible.findings(released, now) == []


def test_the_files_keep_the_released_api(compatible: Any, released: Any) -> None:
    """Those of this checkout, all families of RPCs included."""
    assert len(released.file) >= 10
    assert compatible.findings(released, compatible.compiled(compatible.PROTO_ROOT)) == []
