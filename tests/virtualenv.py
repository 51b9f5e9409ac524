"""Virtual environments for other people's clients, made on demand and kept in .cache/venvs."""

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

CACHE = Path(__file__).parent.parent / ".cache" / "venvs"
INSTALL_S = 240


def python_with(*requirements: str) -> Path:
    """The interpreter of an environment with these packages; skips the test without them.

    They cannot live in the environment of the tests: their generated files define the messages
    of the Open Inference Protocol once more, and they want versions of their own.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = hashlib.sha256("\n".join([version, *requirements]).encode()).hexdigest()[:12]
    name = requirements[0].partition("[")[0].partition("=")[0]
    folder = CACHE / f"{name}-{mark}"
    if not folder.exists():
        # Made elsewhere and moved, so that a run that was cut short leaves nothing half-made.
        building = CACHE / f".{folder.name}-{time.monotonic_ns()}"
        try:
            _install(building, requirements)
            building.rename(folder)
        except subprocess.SubprocessError as error:
            pytest.skip(f"pip cannot install {', '.join(requirements)}: {_reason(error)}")
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder / "bin" / "python"


def _install(folder: Path, requirements: tuple[str, ...]) -> None:
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)


def _reason(error: subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        return lines[-1] if lines else f"exit code {error.returncode}"
    return f"not done after {INSTALL_S} s"
