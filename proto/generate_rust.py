"""Writes the Rust stubs of stubtail/v1 and health into clients/rust; `--check` tells stale ones.

protoc is that of grpcio-tools. What writes Rust is clients/rust/generator, a small program over
tonic-prost-build at the versions of its Cargo.toml, built once into .cache/rust. A machine without
cargo, or that cannot get the crates, skips all of this and says so; that is no failure, unless
`--require` is given.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
REPOSITORY = PROTO_ROOT.parent
CRATE = REPOSITORY / "clients" / "rust"
STUBS = CRATE / "src" / "pb"
DESCRIPTORS = CRATE / "conformance" / "src" / "descriptors.binpb"
TARGET = REPOSITORY / ".cache" / "rust"
BUILD = ("cargo", "build", "--quiet", "--package", "stubtail-generator")


def main() -> int:
    """Generates, or checks with `--check`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on stale stubs")
    parser.add_argument("--require", action="store_true", help="fail where cargo cannot be had")
    arguments = parser.parse_args()
    try:
        program = generator()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SKIPPED: the Rust stubs were not looked at, because {error}", file=sys.stderr)
        return 1 if arguments.require else 0
    fresh = generate(program)
    present = {path: path.read_bytes() for path in STUBS.glob("*.rs")}
    if DESCRIPTORS.exists():
        present[DESCRIPTORS] = DESCRIPTORS.read_bytes()
    stale = sorted(p for p in fresh.keys() | present.keys() if fresh.get(p) != present.get(p))
    if arguments.check:
        for path in stale:
            print(f"stale: {path.relative_to(REPOSITORY)}; run `make stubs`", file=sys.stderr)
        return 1 if stale else 0
    STUBS.mkdir(parents=True, exist_ok=True)
    for path in stale:
        if path in fresh:
            path.write_bytes(fresh[path])
        else:
            path.unlink()
    print(f"wrote {len(stale)} of {len(fresh)} Rust stubs; the others were up to date")
    return 0


def generator() -> Path:
    """The program that turns descriptors into Rust, built where its sources are newer.

    Raises:
        OSError: there is no `cargo` here.
        subprocess.CalledProcessError: `cargo build` failed; it has printed why.
    """
    if shutil.which("cargo") is None:
        raise FileNotFoundError("no `cargo` is on the PATH")
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
    subprocess.run(BUILD, check=True, env=environment, cwd=CRATE)
    return TARGET / "debug" / "stubtail-generator"


def generate(program: Path) -> dict[Path, bytes]:
    """The content of every generated file by its path.

    The runner of clients/conformance reads the descriptors: with their names it turns messages
    into protobuf's JSON.

    Raises:
        SystemExit: protoc refuses a file; it has printed why.
        subprocess.CalledProcessError: the generator refuses the descriptors.
    """
    protos = sorted((PROTO_ROOT / "stubtail" / "v1").glob("*.proto"))
    names = [path.relative_to(PROTO_ROOT).as_posix() for path in protos]
    names.append("grpc/health/v1/health.proto")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commented = descriptors(names, folder / "commented", "--include_source_info")
        bare = descriptors(names, folder / "bare")
        rust = folder / "rust"
        rust.mkdir()
        subprocess.run([program, commented, rust], check=True)
        fresh = {STUBS / path.name: path.read_bytes() for path in rust.glob("*.rs")}
        return fresh | {DESCRIPTORS: bare.read_bytes()}


def descriptors(names: list[str], path: Path, *options: str) -> Path:
    """Has protoc write descriptors of files and of what they import.

    Raises:
        SystemExit: protoc refuses a file; it has printed why.
    """
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO_ROOT}"]
    command += [f"--descriptor_set_out={path}", "--include_imports", *options, *names]
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise SystemExit(status)
    return path


if __name__ == "__main__":
    sys.exit(main())
