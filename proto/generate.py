"""Writes the Python stubs of every .proto file here; `--check` only tells which of them are stale.

For each file of `TARGETS` three things come out, all committed:

* `X_pb2.py` builds the messages from the embedded descriptor with protobuf's public functions.
  protoc's own module is not used, because it refuses every protobuf runtime that is older than
  the protoc that wrote it, and clients such as tritonclient hold protobuf below 7.
* `X_pb2.pyi` has the types, from protoc.
* `X_pb2_grpc.py` and `.pyi`, for public services only: the classes that a Python client calls.

A private target lives in a descriptor pool of its own: two files that define the same names
(tritonclient's `inference.*` and ours) cannot both be in the default pool of one process.
"""

import argparse
import re
import sys
import tempfile
import textwrap
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from google.protobuf import descriptor_pb2

PROTO_ROOT = Path(__file__).resolve().parent
REPOSITORY = PROTO_ROOT.parent
NOTICE = "Written by proto/generate.py; do not edit."
# The oldest grpcio that the package admits (pyproject.toml). The grpc plugin of 1.83 and that of
# 1.85 write the same code but for the version that they demand, so we demand what we need.
GRPCIO_FLOOR = "1.83.0"


@dataclass(frozen=True, slots=True)
class Target:
    """One .proto file and where its stubs go.

    Args:
        proto: the file, relative to proto/.
        stem: the stub without `_pb2.py`, relative to server/.
        public: whether it joins the default descriptor pool and gets client stubs. The proto path
            of a public file is its import path.
    """

    proto: str
    stem: str
    public: bool


PRIVATE = {
    "stubtail/oip/inference.proto": "stubtail/oip/inference",
    "grpc/health/v1/health.proto": "stubtail/standard/health",
    "grpc/reflection/v1/reflection.proto": "stubtail/standard/reflection",
}


def targets() -> list[Target]:
    """All files under stubtail/v1, and the private ones that exist."""
    public = sorted((PROTO_ROOT / "stubtail" / "v1").glob("*.proto"))
    found = [Target(f"stubtail/v1/{p.name}", f"stubtail/v1/{p.stem}", public=True) for p in public]
    for proto, stem in PRIVATE.items():
        if (PROTO_ROOT / proto).exists():
            found.append(Target(proto, stem, public=False))
    return found


def main() -> int:
    """Generates, or checks with `--check`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on stale stubs")
    arguments = parser.parse_args()
    fresh = generate(targets())
    return check(fresh) if arguments.check else write(fresh)


def check(fresh: dict[str, str]) -> int:
    """Compares with the files on disk and lists those that differ, are missing or left over."""
    server = REPOSITORY / "server"
    stale = [
        name
        for name, text in fresh.items()
        if not (server / name).is_file() or (server / name).read_text(encoding="utf-8") != text
    ]
    stale += [f"{name} (its .proto is gone)" for name in leftovers(fresh)]
    for name in stale:
        print(f"stale: server/{name}", file=sys.stderr)
    if stale:
        version = metadata.version("grpcio-tools")
        print(
            f"run `make stubs` and commit the result (grpcio-tools {version} is installed; "
            "pyproject.toml names the version that writes the committed stubs)",
            file=sys.stderr,
        )
    else:
        print(f"{len(fresh)} stubs are up to date")
    return 1 if stale else 0


def write(fresh: dict[str, str]) -> int:
    """Writes every stub and removes those whose .proto is gone."""
    server = REPOSITORY / "server"
    for name, text in fresh.items():
        (server / name).parent.mkdir(parents=True, exist_ok=True)
        (server / name).write_text(text, encoding="utf-8")
    for name in leftovers(fresh):
        (server / name).unlink()
    print(f"wrote {len(fresh)} stubs below server/")
    return 0


def leftovers(fresh: dict[str, str]) -> list[str]:
    """Stubs below server/ that no .proto file accounts for."""
    server = REPOSITORY / "server"
    present = (str(path.relative_to(server)) for path in server.glob("**/*_pb2*.py*"))
    return sorted(n for n in present if n.endswith((".py", ".pyi")) and n not in fresh)


def generate(wanted: list[Target]) -> dict[str, str]:
    """The text of every stub by its path below server/."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        run_protoc(out, [target.proto for target in wanted])
        file_set = descriptor_pb2.FileDescriptorSet.FromString((out / "all.binpb").read_bytes())
        files = {file.name: file for file in file_set.file}
        fresh: dict[str, str] = {}
        for target in wanted:
            file = files[target.proto]
            source = out / target.proto
            typed = source.with_name(f"{source.stem}_pb2.pyi").read_text(encoding="utf-8")
            fresh[f"{target.stem}_pb2.py"] = messages_module(file, public=target.public)
            fresh[f"{target.stem}_pb2.pyi"] = typed_messages(target.proto, typed)
            if target.public and file.service:
                plugin = source.with_name(f"{source.stem}_pb2_grpc.py").read_text(encoding="utf-8")
                fresh[f"{target.stem}_pb2_grpc.py"] = client_module(plugin)
                fresh[f"{target.stem}_pb2_grpc.pyi"] = typed_client(file)
    return fresh


def run_protoc(out: Path, protos: list[str]) -> None:
    """Runs the protoc of grpcio-tools in this process.

    Raises:
        SystemExit: when protoc refuses a file; it has printed why.
    """
    from grpc_tools import protoc  # noqa: PLC0415 - `--help` must work without the dev extra

    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTO_ROOT}",
            f"--descriptor_set_out={out / 'all.binpb'}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            *protos,
        ]
    )
    if status != 0:
        raise SystemExit(status)


def messages_module(file: descriptor_pb2.FileDescriptorProto, *, public: bool) -> str:
    """The source of `X_pb2.py`: builds every message and enum of one file."""
    for node in nested_messages(file):
        for field in node.field:
            field.ClearField("json_name")  # derived from the name; protobuf computes it again
    serialized = b64encode(file.SerializeToString(deterministic=True)).decode()
    literal = "\n".join(f'    "{line}"' for line in textwrap.wrap(serialized, 92))
    pool = "descriptor_pool.Default()" if public else "descriptor_pool.DescriptorPool()"
    where = "" if public else ", in a descriptor pool of their own"
    lines = [
        f'"""The messages of {file.name}{where}. {NOTICE}"""',
        "",
        "from base64 import b64decode",
        "",
        "from google.protobuf import descriptor_pool, message_factory",
        *(["from google.protobuf.internal import enum_type_wrapper"] if file.enum_type else []),
        *imports_of(file, public=public),
        "",
        f"_POOL = {pool}",
        "_SERIALIZED = b64decode(",
        *literal.splitlines(),
        ")",
        "_POOL.AddSerializedFile(_SERIALIZED)",
        f'DESCRIPTOR = _POOL.FindFileByName("{file.name}")',
        "",
    ]
    lines += [
        f'{m.name} = message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name["{m.name}"])'
        for m in file.message_type
    ]
    for enum in file.enum_type:
        descriptor = f'DESCRIPTOR.enum_types_by_name["{enum.name}"]'
        lines.append(f"{enum.name} = enum_type_wrapper.EnumTypeWrapper({descriptor})")
        lines += [f"{value.name} = {value.number}" for value in enum.value]
    return "\n".join(lines) + "\n"


def imports_of(file: descriptor_pb2.FileDescriptorProto, *, public: bool) -> list[str]:
    """Imports of the stubs that must have joined the pool before this file can."""
    if file.dependency and not public:
        raise SystemExit(f"{file.name}: a file of a private pool must not import others")
    lines = []
    for dependency in file.dependency:
        package, _, name = dependency.removesuffix(".proto").rpartition("/")
        lines.append(
            f"from {package.replace('/', '.')} import {name}_pb2 as _{name}_pb2  # noqa: F401"
        )
    return ["", *sorted(lines)] if lines else []


def nested_messages(
    node: descriptor_pb2.FileDescriptorProto | descriptor_pb2.DescriptorProto,
) -> Iterator[descriptor_pb2.DescriptorProto]:
    """Every message below `node`, at any depth."""
    inner = (
        node.message_type
        if isinstance(node, descriptor_pb2.FileDescriptorProto)
        else node.nested_type
    )
    for message in inner:
        yield message
        yield from nested_messages(message)


def typed_messages(proto: str, text: str) -> str:
    """The source of `X_pb2.pyi`: protoc's, with the arguments that strict checking wants."""
    text = re.sub(r"\b_Mapping\b(?!\[| as|,|\n)", "_Mapping[str, object]", text)
    return f'"""The types of {proto}. {NOTICE}"""\n\n{text}'


def client_module(text: str) -> str:
    """The source of `X_pb2_grpc.py`: the plugin's, demanding our own oldest grpcio."""
    text, count = re.subn(
        r"^GRPC_GENERATED_VERSION = '.*'$",
        f"GRPC_GENERATED_VERSION = '{GRPCIO_FLOOR}'",
        text,
        flags=re.MULTILINE,
    )
    if count != 1:
        raise SystemExit("the grpc plugin's version check changed; look at proto/generate.py")
    return text


def typed_client(file: descriptor_pb2.FileDescriptorProto) -> str:
    """The source of `X_pb2_grpc.pyi`. grpcio has no types of its own, so calls are `Any`."""
    lines = [
        f'"""The types of the services of {file.name}. {NOTICE}"""',
        "",
        "from typing import Any",
    ]
    for service in file.service:
        methods = [method.name for method in service.method]
        lines += [
            "",
            f"class {service.name}Stub:",
            *(f"    {name}: Any" for name in methods),
            "    def __init__(self, channel: Any) -> None: ...",
            "",
            f"class {service.name}Servicer:",
            *(f"    def {name}(self, request: Any, context: Any) -> Any: ..." for name in methods),
            "",
            f"def add_{service.name}Servicer_to_server(servicer: Any, server: Any) -> None: ...",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
