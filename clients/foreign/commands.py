"""Runs a program of others, bounded, with its output."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from clients.foreign.tools import ROOT

RUN_S = 110


def run(
    command: Sequence[str | Path],
    *,
    given: str | None = None,
    status: int = 0,
    environment: dict[str, str] | None = None,
) -> str:
    """Its stdout and stderr; fails where its exit status is another than expected."""
    done = subprocess.run(  # noqa: S603 - of the tests
        list(map(str, command)),
        cwd=ROOT,
        env=environment,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == status, done.stdout
    return done.stdout
