"""Writes the Go stubs of stubtail/v1 into clients/go/stubtailpb; `--check` tells which are stale.

protoc is that of grpcio-tools. Its two plugins are built by `go install` from the Go module proxy
at the versions below, once, into .cache/go. A machine without Go, or that cannot get the plugins,
skips all of this and says so; that is no failure, unless `--require` is given.
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
STUBS = REPOSITORY / "clients" / "go" / "stubtailpb"
PACKAGE = "github.com/stubtail/stubtail/clients/go/stubtailpb"
# The runtime of the generated code is at least as new as its plugin: see clients/go/go.mod.
PLUGINS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
}


def main() -> int:
    """Generates, or checks with `--check`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on stale stubs")
    parser.add_argument("--require", action="store_true", help="fail where Go cannot be had")
    arguments = parser.parse_args()
    try:
        folder = plugins()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SKIPPED: the Go stubs were not looked at, because {error}", file=sys.stderr)
        return 1 if arguments.require else 0
    fresh = generate(folder)
    present = {path.name: path.read_text(encoding="utf-8") for path in STUBS.glob("*.pb.go")}
    stale = sorted(n for n in fresh.keys() | present.keys() if fresh.get(n) != present.get(n))
    if arguments.check:
        for name in stale:
            print(f"stale: clients/go/stubtailpb/{name}; run `make stubs`", file=sys.stderr)
        return 1 if stale else 0
    STUBS.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in fresh:
            (STUBS / name).write_text(fresh[name], encoding="utf-8")
        else:
            (STUBS / name).unlink()
    print(f"wrote {len(stale)} of {len(fresh)} Go stubs; the others were up to date")
    return 0


def plugins() -> Path:
    """The folder of protoc's plugins, built where they are not there in these versions yet.

    Raises:
        OSError: there is no `go` here.
        subprocess.CalledProcessError: `go install` failed; it has printed why.
    """
    go = shutil.which("go")
    if go is None:
        raise FileNotFoundError("no `go` is on the PATH")
    versions = "_".join(source.rpartition("@")[2] for source in PLUGINS.values())
    folder = REPOSITORY / ".cache" / "go" / versions
    environment = {**os.environ, "GOBIN": str(folder)}
    for name, source in PLUGINS.items():
        if not (folder / name).exists():
            subprocess.run([go, "install", source], check=True, env=environment, cwd=PROTO_ROOT)
    return folder


def generate(plugin_folder: Path) -> dict[str, str]:
    """The text of every stub by its file name.

    Raises:
        SystemExit: protoc refuses a file; it has printed why.
    """
    protos = sorted(path.name for path in (PROTO_ROOT / "stubtail" / "v1").glob("*.proto"))
    mapping = [f"Mstubtail/v1/{name}={PACKAGE}" for name in protos]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO_ROOT}"]
        for kind in ("go", "go-grpc"):
            command.append(f"--plugin={plugin_folder / f'protoc-gen-{kind}'}")
            command.append(f"--{kind}_out={folder}")
            command += [f"--{kind}_opt={option}" for option in (f"module={PACKAGE}", *mapping)]
        command += [f"stubtail/v1/{name}" for name in protos]
        status = subprocess.run(command, check=False).returncode
        if status != 0:
            raise SystemExit(status)
        return {
            path.name: path.read_text(encoding="utf-8") for path in Path(folder).glob("*.pb.go")
        }


if __name__ == "__main__":
    sys.exit(main())
