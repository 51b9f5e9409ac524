"""Reads protobuf files as data: a file with all that it imports, and every message in it."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto


def with_imports(file: Any) -> list[FileDescriptorProto]:
    """Copies of a file (`X_pb2.DESCRIPTOR`) and of all that it imports, each after its imports."""
    ordered: dict[str, FileDescriptorProto] = {}
    for dependency in file.dependencies:
        ordered.update({found.name: found for found in with_imports(dependency)})
    copy = FileDescriptorProto()
    file.CopyToProto(copy)
    ordered[file.name] = copy
    return list(ordered.values())


def messages_of(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    """Every message of the file, at any depth, with its full name."""
    waiting = [(joined(file.package, message.name), message) for message in file.message_type]
    while waiting:
        name, message = waiting.pop()
        yield name, message
        waiting += [(joined(name, nested.name), nested) for nested in message.nested_type]


def joined(scope: str, name: str) -> str:
    """The full name of `name` within `scope`, which may be empty."""
    return f"{scope}.{name}" if scope else name
