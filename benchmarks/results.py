"""What a benchmark leaves behind: a JSON file with its figures, machine, versions and command."""

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from benchmarks import cores
from benchmarks.figures import digits
from stubtail_bench.machine import machine

__all__ = [
    "FOLDER",
    "Promise",
    "machine",
    "newest",
    "report_promises",
    "save",
    "versions",
]

FOLDER = Path("benchmarks/results")
_PACKAGES = (
    *("grpcio", "hpack", "mlserver", "numpy", "onnxruntime", "protobuf", "pygrpc-native"),
    *("stubtail", "uvloop"),
)


@dataclass(frozen=True, slots=True)
class Promise:
    """One sentence that the project promises, and what was measured.

    Attributes:
        text: What is promised, in words.
        measured: The figure; NaN when it could not be measured, infinity for calls that were never
            answered: neither is a pass.
        relation: Whether the figure must be at least or at most `bound`.
        bound: The figure promised.
        unit: Of both, such as `x` or ` s`.
        note: How it was measured, or why not.
    """

    text: str
    measured: float
    relation: Literal["at least", "at most"]
    bound: float
    unit: str = "x"
    note: str = ""

    @property
    def kept(self) -> bool:
        """Whether the measured figure keeps the promise."""
        if not math.isfinite(self.measured):
            return False
        if self.relation == "at least":
            return self.measured >= self.bound
        return self.measured <= self.bound

    def show(self) -> str:
        """One line: PASS or FAIL, the promise and the figure."""
        note = f" ({self.note})" if self.note else ""
        return (
            f"{'PASS' if self.kept else 'FAIL'}  {self.text}: {digits(self.measured)}{self.unit}, "
            f"promised {self.relation} {self.bound:g}{self.unit}{note}"
        )

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        return {
            "promise": self.text,
            "measured": self.measured if math.isfinite(self.measured) else None,
            "relation": self.relation,
            "bound": self.bound,
            "unit": self.unit.strip(),
            "kept": self.kept,
            "note": self.note,
        }


def versions() -> dict[str, str]:
    """The versions of the packages that matter, and the commit that was measured."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    if commit.returncode == 0:
        found["commit"] = commit.stdout.strip()
    return found


def save(name: str, folder: Path, figures: Mapping[str, Any], about: Mapping[str, Any]) -> Path:
    """Writes `<folder>/<date>-<name>.json` and returns its path.

    Args:
        name: Of the benchmark.
        folder: Is made when it does not exist.
        figures: What was measured.
        about: `machine()` as it was before the run.
    """
    now = datetime.now(UTC)
    document = {
        "benchmark": name,
        "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": {**about, "server_cores": cores.for_servers()},
        "versions": versions(),
        **figures,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}-{name}.json"
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    return path


def newest(name: str, folder: Path) -> dict[str, Any] | None:
    """The newest result of a benchmark, None when it was never run."""
    found = sorted(folder.glob(f"????-??-??-{name}.json"))
    return dict(json.loads(found[-1].read_text())) if found else None


def report_promises(promises: Sequence[Promise]) -> bool:
    """Prints every promise; whether all were kept."""
    for promise in promises:
        print(promise.show())
    return all(promise.kept for promise in promises)
