"""Writes the TypeScript stubs into clients/typescript/src/gen; `--check` tells which are stale.

protoc is that of grpcio-tools; its plugin is protoc-gen-es, in the version that package-lock.json
of the client names. A machine without Node, or that cannot get the plugin, skips all of this and
says so; that is no failure, unless `--require` is given.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import google.rpc

PROTO_ROOT = Path(__file__).resolve().parent
CLIENT = PROTO_ROOT.parent / "clients" / "typescript"
STUBS = CLIENT / "src" / "gen"
PLUGIN = CLIENT / "node_modules" / ".bin" / "protoc-gen-es"
OPTIONS = ("target=ts", "import_extension=js")
# The details of errors, from googleapis-common-protos; google.protobuf is in the runtime.
DETAILS_ROOT = Path(google.rpc.__path__[0]).parents[1]
DETAILS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
HEALTH = "grpc/health/v1/health.proto"


def main() -> int:
    """Generates, or checks with `--check`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on stale stubs")
    parser.add_argument("--require", action="store_true", help="fail where Node cannot be had")
    arguments = parser.parse_args()
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as error:
        reason = f"SKIPPED: the TypeScript stubs were not looked at, because {error}"
        print(reason, file=sys.stderr)
        return 1 if arguments.require else 0
    fresh = generate()
    present = texts(STUBS)
    stale = sorted(n for n in fresh.keys() | present.keys() if fresh.get(n) != present.get(n))
    if arguments.check:
        for name in stale:
            print(f"stale: clients/typescript/src/gen/{name}; run `make stubs`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        if name in fresh:
            (STUBS / name).parent.mkdir(parents=True, exist_ok=True)
            (STUBS / name).write_text(fresh[name], encoding="utf-8")
        else:
            (STUBS / name).unlink()
    print(f"wrote {len(stale)} of {len(fresh)} TypeScript stubs; the others were up to date")
    return 0


def install() -> None:
    """Gets the plugin where it is not there in this version yet.

    Raises:
        OSError: there is no Node here.
        subprocess.CalledProcessError: npm failed; it has printed why.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise FileNotFoundError(f"no `{program}` is on the PATH")
    subprocess.run([CLIENT / "install"], check=True)


def generate() -> dict[str, str]:
    """The text of every stub by its path below STUBS.

    Raises:
        SystemExit: protoc refuses a file; it has printed why.
    """
    own = sorted((PROTO_ROOT / "stubtail" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO_ROOT}"]
        command += [f"--proto_path={DETAILS_ROOT}", f"--plugin={PLUGIN}", f"--es_out={folder}"]
        command += [f"--es_opt={option}" for option in OPTIONS]
        command += [path.relative_to(PROTO_ROOT).as_posix() for path in own]
        status = subprocess.run([*command, HEALTH, *DETAILS], check=False).returncode
        if status != 0:
            raise SystemExit(status)
        return texts(Path(folder))


def texts(folder: Path) -> dict[str, str]:
    """All stubs below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.ts"))
    }


if __name__ == "__main__":
    sys.exit(main())
