"""Other people's clients of the Open Inference Protocol, each in an environment of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system.conftest import StartServer
from tests.virtualenv import python_with

TRITON = "tritonclient[grpc]==2.73.0"
KSERVE = "kserve==0.21.0"
HERE = Path(__file__).parent


def run_client(python: Path, script: str, address: str) -> None:
    """Runs the checks of a script against a server."""
    done = subprocess.run(
        [str(python), str(HERE / script), address],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "all checks passed"


@pytest.mark.timeout(360)  # the first time it installs the client
def test_tritonclient(
    serve: StartServer, transport: str, models: Path, shipped_models: Path
) -> None:
    """Sync, aio and stream: health, description, inference, statistics, repository, errors."""
    python = python_with(TRITON)
    shutil.copytree(shipped_models / "churn", models / "churn")
    server = serve(models, transport)
    run_client(python, "triton_client.py", server.address)


@pytest.mark.soak
@pytest.mark.timeout(360)
def test_kserve(serve: StartServer, transport: str, models: Path) -> None:
    """KServe's client, raw and typed. Only in the soak: its environment has 450 MB."""
    python = python_with(KSERVE)
    server = serve(models, transport)
    run_client(python, "kserve_client.py", server.address)
