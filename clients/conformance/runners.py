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
RUN_S = 600


@dataclass(frozen=True, slots=True)
class Runner:
    """One column of the matrix.

    Attributes:
        language: its name.
        needs: the programs that must be on the PATH.
        build: the command that makes the runner, run in `folder`; empty for none.
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
        return f"{', '.join(lacking)} not on the PATH" if lacking else ""

    def prepare(self) -> str:
        """Builds the runner; returns what went wrong, or nothing."""
        if not self.build:
            return ""
        done = subprocess.run(  # noqa: S603 - our own command
            self.build,
            cwd=ROOT / self.folder,
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            check=False,
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr

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
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
            seen = {line["case"]: line for line in lines}
        except (ValueError, KeyError, TypeError) as error:
            return {}, f"what it printed is not the protocol: {error}"
        return seen, done.stderr if done.returncode else ""


_CORE = "gRPC's own retries know the pushback key alone, and wait for it beyond the deadline"
_GO_RUNNER = str(ROOT / ".cache" / "conformance" / "go-runner")

RUNNERS = (
    Runner(
        "python",
        (sys.executable, "-m", "clients.conformance.python_runner"),
        gaps={
            "retry-info": _CORE,
            "retry-not-without-time": _CORE,
            "retry-not-of-upstreams": _CORE,
            "retry-too-late": _CORE,
            "score-damaged@grpcio": _CORE,
            "round-robin": "its service config names no round_robin",
        },
    ),
    Runner(
        "go",
        (_GO_RUNNER,),
        needs=("go",),
        build=("go", "build", "-o", _GO_RUNNER, "./internal/conformance"),
        folder="clients/go",
    ),
)
