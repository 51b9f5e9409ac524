"""What tests share: a running server on each transport, with the shipped and some odd models."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import hypothesis
import pytest

from tests import model_files
from tests.server_process import ROOT, ServerProcess

TRANSPORTS = ("native", "grpcio")

# The same examples each time, and no deadline for one: a run that fails says something of the code,
# not of luck or of a busy machine. `--hypothesis-profile=default` draws others.
hypothesis.settings.register_profile(
    "repeatable", hypothesis.settings.get_profile("ci"), database=None, deadline=None
)
hypothesis.settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Programs that tests start can be interrupted, also where this run itself cannot.

    A shell starts what it puts in the background with interrupts ignored, and children inherit it.
    They also keep the bytecode of what they import, whatever this run was told: to compile the
    server anew takes a third of the time of each of some hundred starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the soak out, unless `-m` says something else."""
    if not config.option.markexpr:
        soak = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=soak)


@pytest.fixture(scope="session", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    """Each test that asks for it runs on both transports."""
    return str(request.param)


@pytest.fixture(scope="session")
def shipped_models() -> Path:
    """The folder of models in the repository."""
    return ROOT / "exported_models"


@pytest.fixture(scope="session")
def server_models(tmp_path_factory: pytest.TempPathFactory, shipped_models: Path) -> Path:
    """Shipped models that pages show beside small ones with the oddities that tests need."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("churn", "pricing"):
        shutil.copytree(shipped_models / name, folder / name)
    odd = {
        "affine": model_files.affine(),
        "pair": model_files.two_inputs(),
        "strings": model_files.strings(),
        "integers": model_files.integers(),
        "classifier": model_files.classifier(),
        "fixed": model_files.fixed_batch(),
        "picky": model_files.picky(),
        "slow": model_files.slow(),
    }
    for name, graph in odd.items():
        model_files.write_model(folder / name / "1", graph)
    return folder


@pytest.fixture(scope="session")
def server(transport: str, server_models: Path) -> Iterator[ServerProcess]:
    """A server that tests may call but not change; one process of its forecasts is enough."""
    options = ("--set", "forecasting.processes=1")
    with ServerProcess(server_models, transport, *options) as process:
        yield process
    assert "Traceback" not in process.output, process.output


@pytest.fixture
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    """A plain channel to the server, with large messages allowed."""
    options = [
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    with grpc.insecure_channel(server.address, options) as channel:
        yield channel
