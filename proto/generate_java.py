"""Writes the Java stubs of stubtail/v1 and of health into clients/java; `--check` tells stale ones.

The protoc of grpcio-tools writes no Java. protoc and its gRPC plugin are executables on Maven
Central, which Maven gets into .cache/java once. A machine without Maven, or that cannot get them,
skips all of this and says so; that is no failure, unless `--require` is given.

The .proto files name no Java package, and cannot be given one now (buf calls that breaking). So the
two options are put into a copy of them, as buf's managed mode does.
"""

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROTO_ROOT = Path(__file__).resolve().parent
REPOSITORY = PROTO_ROOT.parent
STUBS = REPOSITORY / "clients" / "java" / "src" / "generated" / "java"
# By the folder of the .proto files: those of health in a package of our own, so that they do not
# meet the same classes of io.grpc:grpc-services on one class path.
PACKAGES = {
    "stubtail/v1": "io.github.stubtail.v1",
    "grpc/health/v1": "io.github.stubtail.health",
}
# Generated code refuses an older runtime: protobuf-java and grpc-stub in clients/java/pom.xml are
# at least as new.
TOOLS = {
    "protoc": "com.google.protobuf:protoc:4.35.1",
    "protoc-gen-grpc-java": "io.grpc:protoc-gen-grpc-java:1.83.0",
}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}
SYSTEMS = {"Linux": "linux", "Darwin": "osx", "Windows": "windows"}


def main() -> int:
    """Generates, or checks with `--check`; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail on stale stubs")
    parser.add_argument("--require", action="store_true", help="fail where Maven cannot be had")
    arguments = parser.parse_args()
    try:
        found = tools()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"SKIPPED: the Java stubs were not looked at, because {error}", file=sys.stderr)
        return 1 if arguments.require else 0
    fresh = generate(found)
    present = {
        str(path.relative_to(STUBS)): path.read_text(encoding="utf-8")
        for path in STUBS.rglob("*.java")
    }
    stale = sorted(n for n in fresh.keys() | present.keys() if fresh.get(n) != present.get(n))
    if arguments.check:
        for name in stale:
            path = (STUBS / name).relative_to(REPOSITORY)
            print(f"stale: {path}; run `make stubs`", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path = STUBS / name
        if name in fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(fresh[name], encoding="utf-8")
        else:
            path.unlink()
    print(f"wrote {len(stale)} of {len(fresh)} Java stubs; the others were up to date")
    return 0


def tools() -> dict[str, Path]:
    """The paths of protoc and its plugin by name, from Maven Central if need be.

    Raises:
        OSError: there is no `mvn` here, or there are no tools for this machine.
        subprocess.CalledProcessError: Maven failed; it has printed why.
    """
    system, machine = platform.system(), platform.machine().lower()
    if system not in SYSTEMS or machine not in MACHINES:
        raise FileNotFoundError(f"there is no protoc for {system} on {machine}")
    classifier = f"{SYSTEMS[system]}-{MACHINES[machine]}"
    folder = REPOSITORY / ".cache" / "java" / "tools"
    found = {}
    for name, artifact in TOOLS.items():
        path = folder / f"{name}-{artifact.rpartition(':')[2]}-{classifier}.exe"
        if not path.exists():
            maven = shutil.which("mvn")
            if maven is None:
                raise FileNotFoundError("no `mvn` is on the PATH")
            folder.mkdir(parents=True, exist_ok=True)
            command = [maven, "-q", "-B", "dependency:copy", f"-DoutputDirectory={folder}"]
            command.append(f"-Dartifact={artifact}:exe:{classifier}")
            subprocess.run(command, check=True, cwd=folder)
            path.chmod(0o755)
        found[name] = path
    return found


def generate(executables: dict[str, Path]) -> dict[str, str]:
    """The text of every stub by its path below `STUBS`.

    Raises:
        SystemExit: protoc refuses a file; it has printed why.
    """
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "proto", Path(name) / "java"
        target.mkdir()
        protos = [proto for folder in PACKAGES for proto in managed(folder, source)]
        command = [str(executables["protoc"]), f"--proto_path={source}", f"--java_out={target}"]
        command.append(f"--plugin=protoc-gen-grpc-java={executables['protoc-gen-grpc-java']}")
        command += [f"--grpc-java_out=@generated=omit:{target}", *protos]
        status = subprocess.run(command, check=False).returncode
        if status != 0:
            raise SystemExit(status)
        return {
            str(path.relative_to(target)): path.read_text(encoding="utf-8")
            for path in target.rglob("*.java")
        }


def managed(folder: str, source: Path) -> list[str]:
    """Copies the .proto files of a folder with their Java package; returns their names."""
    (source / folder).mkdir(parents=True)
    names = []
    for path in sorted((PROTO_ROOT / folder).glob("*.proto")):
        options = f'option java_multiple_files = true;\noption java_package = "{PACKAGES[folder]}";'
        text = re.sub(r"(?m)^option java_\w+ = .*;\n", "", path.read_text(encoding="utf-8"))
        text = re.sub(r"(?m)^(package [\w.]+;)$", rf"\1\n{options}", text, count=1)
        (source / folder / path.name).write_text(text, encoding="utf-8")
        names.append(f"{folder}/{path.name}")
    return names


if __name__ == "__main__":
    sys.exit(main())
