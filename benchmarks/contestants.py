"""Who is compared in the floor benchmark: how each is started and what it can be asked."""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from benchmarks.checks import Expect
from benchmarks.errors import ServerError
from benchmarks.processes import Server, echo, free_port, stubtail
from benchmarks.rows import Subject
from stubtail.models.manifest import GRAPH_FILE_NAME
from stubtail.oip import inference_pb2

FLOOR = "echo"
_HERE = Path(__file__).parent
_OIP_ONLY = frozenset({"infer"})
_ALL_FORMS = frozenset({"infer", "dense", "named"})
_MODEL_S = 30.0
_MLSERVER_MAIN = "import sys; from mlserver.cli import main; sys.argv[0] = 'mlserver'; main()"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One server of the comparison.

    Attributes:
        name: Its short name, for `--only` and for the results.
        title: Its name in tables and pictures.
        expect: What a right reply of it is.
        forms: The forms of call that it understands.
        start: Makes the server; entering it starts the process, leaving it stops it.
    """

    name: str
    title: str
    expect: Expect
    forms: frozenset[str]
    start: Callable[[], AbstractContextManager[Server]]


def contestants(subject: Subject, mlserver_python: Path | None) -> Iterator[Contestant]:
    """All servers that can run here, the floor first."""
    models = subject.version_folder.parent.parent
    yield Contestant(FLOOR, "grpc.aio echo (floor)", "start", _ALL_FORMS, partial(echo, "bytes"))
    yield Contestant(
        "echo-protobuf",
        "grpc.aio echo, protobuf",
        "anything",
        _OIP_ONLY,
        partial(echo, "protobuf"),
    )
    for transport in ("grpcio", "native"):
        yield Contestant(
            transport,
            f"stubtail, {transport}",
            "scores",
            _ALL_FORMS,
            partial(stubtail, models, transport),
        )
    if mlserver_python is not None:
        yield Contestant(
            "mlserver",
            "MLServer",
            "scores",
            _OIP_ONLY,
            partial(_mlserver, subject, mlserver_python),
        )


def why_no_mlserver(python: Path | None) -> str | None:
    """Why MLServer cannot be compared, or None when it can."""
    if python is None:
        return "no --mlserver-python: a Python with `mlserver` and `onnxruntime` (own venv)"
    if not python.exists():
        return f"{python} does not exist"
    found = subprocess.run(
        [python, "-c", "import mlserver, onnxruntime"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        return f"{python}: {found.stderr.strip().splitlines()[-1]}"
    return None


@contextmanager
def _mlserver(subject: Subject, python: Path) -> Iterator[Server]:
    """MLServer, once it has loaded its model: it listens before."""
    with mlserver(subject, python) as server:
        _wait_for_model(server.address, subject.name)
        yield server


@contextmanager
def mlserver(subject: Subject, python: Path) -> Iterator[Server]:
    """MLServer on free ports, in one process, with metrics and logs of calls as it ships them.

    It listens, and may not have loaded its model yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        ports = {"http_port": free_port(), "grpc_port": free_port(), "metrics_port": free_port()}
        settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}
        model = {
            "name": subject.name,
            "implementation": "mlserver_model.OnnxModel",
            "parameters": {"uri": str(subject.version_folder.resolve() / GRAPH_FILE_NAME)},
        }
        Path(folder, "settings.json").write_text(json.dumps(settings))
        Path(folder, "model-settings.json").write_text(json.dumps(model))
        command = [str(python), "-c", _MLSERVER_MAIN, "start", folder]
        with Server(
            command,
            listens_on=f"127.0.0.1:{ports['grpc_port']}",
            environment={"PYTHONPATH": str(_HERE / "servers")},
        ) as server:
            yield server


def _wait_for_model(address: str, name: str) -> None:
    request = inference_pb2.ModelReadyRequest(name=name).SerializeToString()
    deadline = time.monotonic() + _MODEL_S
    with grpc.insecure_channel(address) as channel:
        call: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelReady", None, None)
        while time.monotonic() < deadline:
            with suppress(grpc.RpcError):
                reply = call(request, timeout=1.0, wait_for_ready=True)
                if inference_pb2.ModelReadyResponse.FromString(reply).ready:
                    return
            time.sleep(0.1)
    raise ServerError(f"MLServer did not load {name} in {_MODEL_S:.0f} s")
