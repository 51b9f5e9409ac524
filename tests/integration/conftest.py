"""Servers with odd models, and the proof after a test that a server still answers everybody."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests import decision_models, model_files, score_models
from tests.integration import odd_models, plugs
from tests.integration.anomaly_calls import watchful_server
from tests.integration.calls import dense, infer, infer_request, score
from tests.integration.customers import Customers
from tests.server_process import ServerProcess

UNBOUNDED = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]
ROWS = np.array([[1, 2, 3], [-4, 0, 0.5]], np.float32)


def assert_answers(channel: grpc.Channel) -> None:
    """Both hot methods of the model `affine` answer rightly."""
    answer = infer(channel, infer_request("affine", x=ROWS))
    np.testing.assert_array_equal(answer["y"], ROWS * 2 + 1)
    reply = score(channel, dense("affine", ROWS))
    np.testing.assert_array_equal(reply.probabilities, (ROWS * 2 + 1).ravel())


def defects(output: str) -> list[str]:
    """The lines of a server's output that tell of a defect; a model's failed run is none."""
    lines = [line for line in output.splitlines() if "Traceback" in line or "Warning" in line]
    return [
        line
        for line in lines
        if not line.startswith("{") or json.loads(line)["event"] != "run failed"
    ]


@pytest.fixture
def healthy(channel: grpc.Channel) -> Iterator[None]:
    """After the test, the server answers, on the connection that the test used."""
    yield
    assert_answers(channel)


@pytest.fixture(scope="session")
def odd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models of `odd_models`."""
    return odd_models.write_all(tmp_path_factory.mktemp("odd"))


@pytest.fixture(scope="session")
def odd_server(transport: str, odd_folder: Path) -> Iterator[ServerProcess]:
    """A server with odd and failing models; its log has failed runs and nothing worse.

    Breakers are off: many tests make the same model fail.

    All models run in the pool, which has one thread: while one call runs, all others wait, and
    then share a batch, whatever the transport.
    """
    settings = ("inline_run_ms_max=0", "pool_threads=1", "breaker_failures_max=0")
    options = [part for one in settings for part in ("--set", f"scheduling.{one}")]
    with ServerProcess(odd_folder, transport, *options) as process:
        yield process
    assert not defects(process.output)


@pytest.fixture
def odd(odd_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to `odd_server`, which answers everybody after the test."""
    with grpc.insecure_channel(odd_server.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


@pytest.fixture(scope="session")
def customers(shipped_models: Path) -> Customers:
    """Rows for the model `churn`, and the right answers."""
    return Customers(shipped_models)


@pytest.fixture(scope="session")
def plug_row(odd_server: ServerProcess) -> np.ndarray:
    """A row that keeps the patient models of `odd_server` busy for 0.2 s or more."""
    with grpc.insecure_channel(odd_server.address, UNBOUNDED) as channel:
        return plugs.row(plugs.trips_for(channel, "patient", 0.2))


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory, shipped_models: Path) -> Path:
    """The model `shop` of `decision_models`, the shipped churn, and one without a manifest."""
    folder = decision_models.write_shop(tmp_path_factory.mktemp("shop"))
    shutil.copytree(shipped_models / "churn", folder / "churn")
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    return folder


@pytest.fixture(scope="session")
def shop_server(transport: str, shop_folder: Path) -> Iterator[ServerProcess]:
    """A server to decide with; its log tells of no defect."""
    with ServerProcess(shop_folder, transport) as process:
        yield process
    assert not defects(process.output)


@pytest.fixture
def shop(shop_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to `shop_server`, which answers everybody after the test."""
    with grpc.insecure_channel(shop_server.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


@pytest.fixture(scope="session")
def detail_server(
    transport: str, tmp_path_factory: pytest.TempPathFactory, shipped_models: Path
) -> Iterator[ServerProcess]:
    """A server with the models of `score_models` and the shipped churn; none tells of a defect."""
    folder = score_models.write_all(tmp_path_factory.mktemp("details"))
    shutil.copytree(shipped_models / "churn", folder / "churn")
    model_files.write_model(folder / "affine" / "1", model_files.affine())
    with ServerProcess(folder, transport) as process:
        yield process
    assert not defects(process.output)


@pytest.fixture
def details(detail_server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to `detail_server`, which answers everybody after the test."""
    with grpc.insecure_channel(detail_server.address, UNBOUNDED) as channel:
        yield channel
        assert_answers(channel)


@pytest.fixture(scope="session")
def watchful(
    transport: str, tmp_path_factory: pytest.TempPathFactory, shipped_models: Path
) -> Iterator[ServerProcess]:
    """A server with the shipped model of anomalies and tight bounds; tells of no defect."""
    folder = tmp_path_factory.mktemp("anomalies")
    with watchful_server(transport, folder, shipped_models) as process:
        yield process
    assert not defects(process.output)
