"""How each peer is started: one process tree on free ports, with the model in its environment."""

import shutil
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestants import mlserver
from benchmarks.errors import ServerError
from benchmarks.processes import Server, echo, free_port, stubtail
from benchmarks.rows import Subject
from stubtail.models.manifest import GRAPH_FILE_NAME

SERVERS = Path(__file__).parent / "servers"
_STUBS = Path(__file__).parents[2] / "server"  # for stubtail.oip.inference_pb2, and that alone
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one peer runs once.

    Attributes:
        subject: The model.
        python: The interpreter of its virtual environment.
        folder: An empty folder of its own, gone afterwards.
    """

    subject: Subject
    python: Path
    folder: Path


Start = Callable[[Place], AbstractContextManager[Server]]


def environment(place: Place, port: int, **more: str) -> dict[str, str]:
    """What a peer's process finds in its environment: the model, the port, nobody to report to."""
    return {
        "PYTHONPATH": f"{SERVERS}:{_STUBS}",
        "PEER_MODEL": str(place.subject.version_folder.resolve() / GRAPH_FILE_NAME),
        "PEER_PORT": str(port),
        "PEER_SPARE_PORT": str(free_port()),
        "PEER_FOLDER": str(place.folder),
        "BENTOML_HOME": str(place.folder),
        "BENTOML_DO_NOT_TRACK": "True",
        "RAY_USAGE_STATS_ENABLED": "0",
        **more,
    }


def program(arguments: Sequence[str], **more: str) -> Start:
    """A peer that is started by one command of its environment.

    Args:
        arguments: For its Python; `{port}` and `{servers}` are filled in.
        more: Environment variables.
    """

    def start(place: Place) -> Server:
        port = free_port()
        filled = [one.format(port=port, servers=SERVERS) for one in arguments]
        return Server(
            [str(place.python), *filled],
            listens_on=f"127.0.0.1:{port}",
            environment=environment(place, port, **more),
            patience_s=_PATIENCE_S,
        )

    return start


def start_mlserver(place: Place) -> AbstractContextManager[Server]:
    """MLServer, as in the floor comparison."""
    return mlserver(place.subject, place.python)


def start_stubtail(transport: str) -> Start:
    """This repository's server, serving the folder of the model."""
    return lambda place: stubtail(place.subject.version_folder.parent.parent, transport)


def start_echo(_place: Place) -> Server:
    """The bare grpc.aio echo of the floor comparison."""
    return echo("bytes")


@contextmanager
def start_triton(place: Place) -> Iterator[Server]:
    """The server binary inside nvidia-pytriton with its Python backend and a repository of one.

    PyTriton's own binding is left out, a hop between processes more; the backend is laid out as it
    does: a copy with the stub for this version of Python.

    Raises:
        ServerError: The package is not laid out as expected, or the server does not start.
    """
    packages = next(place.python.parent.parent.glob("lib/python*/site-packages"), place.folder)
    home = packages / "pytriton" / "tritonserver"
    version = packages.parent.name.removeprefix("python")
    stub = home / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists():
        raise ServerError(f"nvidia-pytriton has no Python backend for Python {version}")
    backends, models = place.folder / "backends", place.folder / "models"
    shutil.copytree(home / "backends", backends)
    shutil.copy(stub, backends / "python" / stub.name)
    model = models / place.subject.name
    (model / "1").mkdir(parents=True)
    text = (SERVERS / "triton_config.pbtxt").read_text()
    for word, value in (
        ("MODEL", place.subject.name),
        ("INPUT", place.subject.input_name),
        ("FEATURES", str(place.subject.features)),
    ):
        text = text.replace(word, value)
    (model / "config.pbtxt").write_text(text)
    shutil.copy(SERVERS / "triton_model.py", model / "1" / "model.py")
    port = free_port()
    command = [str(home / "bin" / "tritonserver"), "--model-repository", str(models)]
    command += ["--backend-directory", str(backends)]
    command += ["--grpc-address", "127.0.0.1", "--grpc-port", str(port)]
    command += ["--allow-http", "false", "--allow-metrics", "false", "--log-info", "false"]
    # The stub embeds libpython, which knows nothing of virtual environments: see triton_model.py.
    libraries = f"{packages / 'nvidia_pytriton.libs'}:{sysconfig.get_config_var('LIBDIR')}"
    found = environment(place, port, LD_LIBRARY_PATH=libraries)
    found["PYTHONPATH"] += f":{packages}"
    with Server(command, listens_on=f"127.0.0.1:{port}", environment=found) as server:
        yield server
