"""The runner of each language: what it needs, how it is built and called, what its client lacks."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD_S = 900
FETCH = ROOT / "clients" / "fetch"
FETCH_S = 700  # it bounds itself before: 300 s for each of at most two folders
REGISTRY_AWAY = 3
RUN_S = 600


@dataclass(frozen=True, slots=True)
class Runner:
    """One column of the matrix.

    Attributes:
        language: its name.
        needs: the programs that must be on the PATH.
        build: the command that makes the runner, run in `folder`; empty for none. What it needs
            of registries is fetched before, by `clients/fetch`.
        command: the runner; TARGET SERVER FOLDER CASES... follow.
        folder: where both run, below the repository.
        gaps: cases, or `case@server`, that the client does not pass yet, with the reason. One
            that passes is an error: then the gap is to be taken out.
    """

    language: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    folder: str = "."
    gaps: dict[str, str] = field(default_factory=dict)

    def missing(self) -> str:
        """Why the column is skipped; empty where it is not."""
        lacking = [program for program in self.needs if shutil.which(program) is None]
        if lacking:
            return f"{', '.join(lacking)} not on the PATH"
        if not self.build:
            return ""
        status, said = _done((str(FETCH), self.language), ROOT, FETCH_S)
        # Another failure of it is none of the network's: the build will tell.
        return said.strip().rpartition("\n")[2] if status == REGISTRY_AWAY else ""

    def prepare(self) -> str:
        """Builds the runner; returns what went wrong, or nothing."""
        if not self.build:
            return ""
        status, said = _done(self.build, ROOT / self.folder, BUILD_S)
        return "" if status == 0 else said

    def run(
        self, target: str, server: str, folder: Path, paths: list[Path]
    ) -> tuple[dict[str, dict[str, Any]], str]:
        """Runs the cases of one server.

        Returns:
            What it printed for each case, and what went wrong besides.
        """
        try:
            done = subprocess.run(  # noqa: S603 - our own command
                [*self.command, target, server, str(folder), *map(str, paths)],
                cwd=ROOT / self.folder,
                capture_output=True,
                text=True,
                timeout=RUN_S,
                check=False,
                env={**os.environ, "GRPC_VERBOSITY": "NONE"},
            )
        except subprocess.TimeoutExpired:
            return {}, f"it did not end within {RUN_S} s"
        try:
            lines = [json.loads(line) for line in done.stdout.split("\n") if line.strip()]
            seen = {line["case"]: line for line in lines}
        except (ValueError, KeyError, TypeError) as error:
            return {}, f"what it printed is not the protocol: {error}"
        failed = f"{done.stderr}\nit ended with the status {done.returncode}"
        return seen, failed if done.returncode else ""


def _done(command: tuple[str, ...], folder: Path, seconds_max: float) -> tuple[int, str]:
    """The exit status of a command, and what it said."""
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds_max,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"{' '.join(command)} was not done after {seconds_max:g} s"
    return done.returncode, done.stdout + done.stderr


_GO_RUNNER = str(ROOT / ".cache" / "conformance" / "go-runner")
_JAVA = ROOT / ".cache" / "java" / "client"
_JAVA_PATH = [str(_JAVA / "classes"), str(_JAVA / "test-classes"), str(_JAVA / "lib" / "*")]
_CARGO = ROOT / ".cache" / "rust"

RUNNERS = (
    Runner("python", (sys.executable, "-m", "clients.conformance.python_runner")),
    Runner("python-sync", (sys.executable, "-m", "clients.conformance.python_sync_runner")),
    Runner(
        "go",
        (_GO_RUNNER,),
        needs=("go",),
        build=("go", "build", "-o", _GO_RUNNER, "./internal/conformance"),
        folder="clients/go",
    ),
    Runner(
        "java",
        ("java", "-cp", os.pathsep.join(_JAVA_PATH), "io.github.stubtail.ConformanceRunner"),
        needs=("java", "mvn"),
        build=(
            *("mvn", "-q", "-B", "-Dfmt.skip", "test-compile", "dependency:copy-dependencies"),
            f"-DoutputDirectory={_JAVA / 'lib'}",
        ),
        folder="clients/java",
    ),
    Runner(
        "typescript",
        ("node", "dist/conformance/main.js"),
        needs=("node", "npm"),
        build=("npm", "run", "--silent", "build"),
        folder="clients/typescript",
    ),
    Runner(
        "rust",
        (str(_CARGO / "debug" / "stubtail-conformance"),),
        needs=("cargo",),
        build=(
            *("cargo", "build", "--quiet", "--package", "stubtail-conformance"),
            *("--target-dir", str(_CARGO)),
        ),
        folder="clients/rust",
    ),
)
