"""Runs a command beside a server: `python -m clients.conformance.serve COMMAND ARGUMENTS...`.

For the tests of clients in other languages. The command finds the server's address in
STUBTAIL_TEST_SERVER: the models of the conformance suite, the shipped `churn`, and a provider.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from clients.conformance import servers

SHIPPED = ("churn",)


def main(*command: str) -> int:
    """Runs the command; returns its exit status."""
    if not command or shutil.which(command[0]) is None:
        sys.stderr.write(f"SKIPPED: {command[0] if command else 'nothing'} is not on the PATH\n")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model in SHIPPED:
            shutil.copytree(servers.ROOT / "exported_models" / model, folder / model)
        with servers.real("auto", folder) as address:
            environment = {**os.environ, "STUBTAIL_TEST_SERVER": address}
            return subprocess.run(  # noqa: S603 - the caller's own command
                command, env=environment, check=False
            ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
