"""One virtual environment for each peer: their dependencies contradict each other and ours."""

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError

FOLDER = Path(".cache/peers")
_MARK = "requirements.txt"  # in the environment, written when everything is installed
_INSTALL_S = 900.0


class InstallError(BenchmarkError):
    """A peer cannot be installed; the message is pip's last line."""


def distribution(requirement: str) -> str:
    """The name of a package in a requirement such as `ray[serve]==2.60.0`."""
    return re.split(r"[\[=@ ]", requirement, maxsplit=1)[0]


def python_of(
    requirements: Sequence[str], folder: Path = FOLDER, say: Callable[[str], None] = print
) -> Path:
    """The interpreter with these packages; installs them where they are not there yet.

    Args:
        requirements: Of one peer; none: this interpreter.
        folder: Of all peers' environments.
        say: Is told what takes long.

    Raises:
        InstallError: They cannot be installed.
    """
    if not requirements:
        return Path(sys.executable)
    home = folder.resolve() / distribution(requirements[0])
    python, mark = home / "bin" / "python", home / _MARK
    wanted = "\n".join([f"# Python {sys.version.split()[0]}", *requirements]) + "\n"
    if mark.exists() and mark.read_text() == wanted:
        return python
    say(f"  installs {', '.join(requirements)}")
    mark.unlink(missing_ok=True)
    _run([sys.executable, "-m", "venv", str(home)])
    _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
    mark.write_text(wanted)
    return python


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_INSTALL_S
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"not installed after {_INSTALL_S:.0f} s") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(lines[-1] if lines else f"pip ended with {done.returncode}")
