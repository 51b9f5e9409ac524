"""What system tests share: a folder of small models, and servers that leave no process behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import model_files
from tests.load import Oracle, affine_oracle
from tests.server_process import ServerProcess

StartServer = Callable[..., ServerProcess]
SLOW_ITERATIONS = 20_000  # some 50 to 100 ms a run


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the model `affine`, version 1: y = 2 x + 1."""
    folder = tmp_path / "models"
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    return folder


@pytest.fixture
def slow_models(tmp_path: Path) -> Path:
    """A folder with the model `slow`, which runs in the pool: y = x + 20,000."""
    folder = tmp_path / "slow_models"
    model_files.write_model(folder / "slow" / "1", model_files.slow(SLOW_ITERATIONS))
    return folder


@pytest.fixture
def single_models(tmp_path: Path) -> Path:
    """The same model as `single`, for exactly one row: a hundred calls need a hundred runs."""
    folder = tmp_path / "single_models"
    model_files.write_model(folder / "single" / "1", model_files.slow(SLOW_ITERATIONS, rows=1))
    return folder


@pytest.fixture
def oracle() -> Oracle:
    """What the model of `models` answers."""
    return affine_oracle({"1": (2.0, 1.0)})


@pytest.fixture
def slow_oracle() -> Oracle:
    """What the model of `slow_models` answers."""
    return affine_oracle({"1": (1.0, SLOW_ITERATIONS)})


@pytest.fixture
def serve() -> Iterator[StartServer]:
    """Starts servers: `serve(models, transport, *options)`; none of them may print a traceback."""
    started: list[ServerProcess] = []

    def start(folder: Path, transport: str, *options: str) -> ServerProcess:
        server = ServerProcess(folder, transport, *options)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
    for server in started:
        assert "Traceback" not in server.output, server.output
