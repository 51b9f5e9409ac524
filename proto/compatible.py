"""Tells what in the .proto files would break a client of the released API: `make check`.

The released API is the committed image `released/v1.binpb`. It is compared descriptor by
descriptor with what protoc makes of the files now, which needs no network, so that it is never
skipped; `lint.py` asks buf as well, where that can be had. The rules are those of buf's category
FILE: nothing goes away, moves to another file, or changes its name, number, type or cardinality.
New files, messages, fields, values and methods are welcome.

`--record` writes the image anew: with a release, or when what was added is to be kept from now on.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

PROTO_ROOT = Path(__file__).resolve().parent
RELEASED = PROTO_ROOT / "released" / "v1.binpb"

Files = descriptor_pb2.FileDescriptorSet
# What a field must keep. `proto3_optional` tells whether it has presence.
_FIELD = ("name", "type", "label", "type_name", "json_name", "proto3_optional", "default_value")
_METHOD = ("input_type", "output_type", "client_streaming", "server_streaming")
_FILE_OPTIONS = ("go_package", "java_package", "java_multiple_files", "csharp_namespace")


def main() -> int:
    """Compares, or records; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="make this API the released one")
    arguments = parser.parse_args()
    now = compiled(PROTO_ROOT)
    found = findings(Files.FromString(RELEASED.read_bytes()), now)
    for one in found:
        print(f"breaks clients: {one}", file=sys.stderr)
    if found:
        return 1
    if arguments.record:
        RELEASED.write_bytes(now.SerializeToString(deterministic=True))
        print(f"recorded {len(now.file)} files")
    else:
        print("the released API is kept: nothing in the .proto files breaks a client")
    return 0


def compiled(root: Path) -> Files:
    """The descriptors of all .proto files below a folder, in the order of their paths.

    Raises:
        ValueError: protoc refuses them, and has said why.
    """
    from grpc_tools import protoc  # noqa: PLC0415 - a test of `findings` needs no compiler

    names = sorted(str(path.relative_to(root)) for path in root.glob("**/*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        if protoc.main(["", f"-I{root}", f"--descriptor_set_out={image}", *names]) != 0:
            raise ValueError("protoc refuses the .proto files")
        return Files.FromString(image.read_bytes())


def findings(released: Files, now: Files) -> list[str]:
    """What a client of the released API would miss or misread now; nothing where all is kept."""
    files = {file.name: file for file in now.file}
    found: list[str] = []
    for old in released.file:
        new = files.get(old.name)
        if new is None:
            found.append(f"{old.name} is gone")
            continue
        where = old.name
        if old.package != new.package:
            found.append(f"{where}: package {old.package} became {new.package}")
        found += _changed(where, old.options, new.options, _FILE_OPTIONS)
        found += _messages(f"{where}: ", old.message_type, new.message_type)
        found += _enums(f"{where}: ", old.enum_type, new.enum_type)
        found += _services(f"{where}: ", old.service, new.service)
    return found


def _messages(where: str, released: Iterable[Any], now: Iterable[Any]) -> Iterator[str]:
    for old, new, here in _pairs(where, "message", released, now):
        if new is None:
            yield f"{here} is gone"
            continue
        yield from _fields(here, old, new)
        yield from _messages(f"{here}.", old.nested_type, new.nested_type)
        yield from _enums(f"{here}.", old.enum_type, new.enum_type)
        if {one.name for one in old.oneof_decl} - {one.name for one in new.oneof_decl}:
            yield f"{here}: a oneof is gone"
        yield from _reserved(here, old, new)


def _fields(where: str, old: Any, new: Any) -> Iterator[str]:
    fields = {field.number: field for field in new.field}
    for field in old.field:
        here = f"{where}.{field.name}"
        other = fields.get(field.number)
        if other is None:
            yield f"{here}: field {field.number} is gone"
            continue
        yield from _changed(here, field, other, _FIELD)
        if _oneof(old, field) != _oneof(new, other):
            yield f"{here}: it moved into, out of, or between oneofs"


def _oneof(message: Any, field: Any) -> str:
    """The name of the oneof that a field is in; empty where in none that was written."""
    if not field.HasField("oneof_index") or field.proto3_optional:
        return ""
    name: str = message.oneof_decl[field.oneof_index].name
    return name


def _enums(where: str, released: Iterable[Any], now: Iterable[Any]) -> Iterator[str]:
    for old, new, here in _pairs(where, "enum", released, now):
        if new is None:
            yield f"{here} is gone"
            continue
        numbers = {value.name: value.number for value in new.value}
        for value in old.value:
            if numbers.get(value.name) != value.number:
                yield f"{here}: {value.name} = {value.number} is gone or has another number"
        yield from _reserved(here, old, new)


def _services(where: str, released: Iterable[Any], now: Iterable[Any]) -> Iterator[str]:
    for old, new, here in _pairs(where, "service", released, now):
        if new is None:
            yield f"{here} is gone"
            continue
        for method, other, there in _pairs(f"{here}.", "method", old.method, new.method):
            if other is None:
                yield f"{there} is gone"
                continue
            yield from _changed(there, method, other, _METHOD)
            levels = (method.options.idempotency_level, other.options.idempotency_level)
            if levels[0] != levels[1]:
                yield f"{there}: its idempotency changed"


def _pairs(
    where: str, kind: str, released: Iterable[Any], now: Iterable[Any]
) -> Iterator[tuple[Any, Any, str]]:
    """Each thing of old with the one of the same name now, or None, and its path."""
    names = {one.name: one for one in now}
    for old in released:
        yield old, names.get(old.name), f"{where}{kind} {old.name}"


def _changed(where: str, old: Any, new: Any, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield f"{where}: {name} was {before!r} and is {after!r}"


def _reserved(where: str, old: Any, new: Any) -> Iterator[str]:
    """A number or a name that was taken out must not come back with another meaning."""
    if set(old.reserved_name) - set(new.reserved_name):
        yield f"{where}: a reserved name is free again"
    kept = {(one.start, one.end) for one in new.reserved_range}
    if {(one.start, one.end) for one in old.reserved_range} - kept:
        yield f"{where}: reserved numbers are free again"


if __name__ == "__main__":
    sys.exit(main())
