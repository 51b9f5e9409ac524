"""Tools of others that call a server: where they are. `python -m clients.foreign.tools` gets them.

Go builds grpcurl, evans, grpc-health-probe, ghz and k6; Debian's packages for C++ are unpacked into
a folder of ours. Nothing outside .cache/ changes. It takes minutes, so tests never do it by
themselves: a tool that is missing skips its tests, and the skip says this command.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "foreign"
GO_BIN = CACHE / "bin"
DEBIAN = CACHE / "debian"
COMMAND = "python -m clients.foreign.tools"
BUILD_S = 900  # k6 alone takes minutes on two cores
# Of evans and grpc-health-probe not every module proxy has the modules; what is on the PATH is
# taken as well.
MODULES = {
    "grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4",
    "evans": "github.com/ktr0731/evans@v0.10.11",
    "grpc-health-probe": "github.com/grpc-ecosystem/grpc-health-probe@v0.4.37",
    "ghz": "github.com/bojand/ghz/cmd/ghz@v0.93.0",
    "k6": "go.k6.io/k6@v1.8.1",
}
PACKAGES = (
    *("libgrpc++-dev", "libgrpc-dev", "libgrpc++1.51", "libgrpc29"),
    *("protobuf-compiler", "protobuf-compiler-grpc", "libprotoc32"),
    *("libprotobuf-dev", "libprotobuf32", "libabsl-dev", "libabsl20220623"),
    *("libc-ares-dev", "libc-ares2", "libre2-dev", "libre2-9"),
    *("libssl-dev", "libssl3", "zlib1g-dev"),
)


def path(*names: str) -> Path | None:
    """The program of the first of these names that is on the PATH or was got; else None."""
    search = os.pathsep.join([str(GO_BIN), os.environ.get("PATH", os.defpath)])
    for name in names:
        found = shutil.which(name, path=search)
        if found is not None:
            return Path(found)
    return None


def main() -> int:
    """Gets what is missing; returns the exit status."""
    problems = [*_go(), *_debian()]
    for problem in problems:
        sys.stderr.write(f"not to be had: {problem}\n")
    return 1 if problems else 0


def _go() -> list[str]:
    if shutil.which("go") is None:
        return ["what Go builds, because go is not on the PATH"]
    problems = []
    for name, module in MODULES.items():
        if path(name) is None:
            sys.stderr.write(f"building {module}\n")
            environment = {**os.environ, "GOBIN": str(GO_BIN)}
            problem = _run(["go", "install", module], environment)
            problems += [f"{name}: {problem}"] if problem else []
    return problems


def _debian() -> list[str]:
    if shutil.which("grpc_cpp_plugin") is not None or (DEBIAN / "usr/bin/grpc_cpp_plugin").exists():
        return []
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return ["Debian's packages for C++, because this is no Debian"]
    archives = CACHE / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"fetching {len(PACKAGES)} packages of Debian\n")
    problem = _run(["apt-get", "download", *PACKAGES], dict(os.environ), archives)
    if problem:
        return [f"Debian's packages for C++: {problem}"]
    unpacked = CACHE / ".debian"  # made elsewhere and moved: nothing half-made is taken for whole
    shutil.rmtree(unpacked, ignore_errors=True)
    for archive in sorted(archives.glob("*.deb")):
        problem = _run(["dpkg", "-x", str(archive), str(unpacked)], dict(os.environ))
        if problem:
            return [f"{archive.name}: {problem}"]
    unpacked.rename(DEBIAN)
    shutil.rmtree(archives)
    return []


def _run(command: list[str], environment: dict[str, str], folder: Path = ROOT) -> str:
    """Runs a command; returns what went wrong, or nothing."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {BUILD_S} s"
    return "" if done.returncode == 0 else done.stderr.strip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main())
