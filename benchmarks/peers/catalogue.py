"""Who is compared: versions, configuration and where each is started. This page is the contest.

All run the same graph with the same onnxruntime, one thread, on the same two cores as the load.
One and two processes or instances were tried for each, and what is written here is what answered
more calls of 1 and of 32 rows; where both did equally well, one. Logs of calls are off for all that
write them. stubtail runs as it is installed: two workers were no better on two cores.
"""

from dataclasses import dataclass

from benchmarks.checks import Expect
from benchmarks.peers.starting import (
    Start,
    program,
    start_echo,
    start_mlserver,
    start_stubtail,
    start_triton,
)

_RUNTIME = "onnxruntime==1.31.1"


@dataclass(frozen=True, slots=True)
class Peer:
    """One server of the comparison.

    Attributes:
        name: For `--only` and the results.
        title: In tables and in the picture.
        spoken: What it is called by.
        form: A key of `rows.FORMS`.
        start: Makes its process; entering it starts it, leaving it stops it.
        configuration: In words, for the table.
        requirements: Of its virtual environment; empty for what runs in ours. The first is it.
        expect: What a right reply of it is.
    """

    name: str
    title: str
    spoken: str
    form: str
    start: Start
    configuration: str
    requirements: tuple[str, ...] = ()
    expect: Expect = "scores"

    @property
    def is_http(self) -> bool:
        """Whether it is called by HTTP/1.1, with one call at a time on a connection."""
        return self.form in {"raw", "base64"}


_OIP = "gRPC, ModelInfer"
_RAW = "HTTP, raw floats"
_MOSEC = ("mosec==0.9.8", _RUNTIME)


def _mosec(batch: int) -> Start:
    arguments = ["{servers}/mosec_server.py", "--address", "127.0.0.1", "--port", "{port}"]
    return program([*arguments, "--log-level", "warning"], PEER_BATCH=str(batch))


PEERS = (
    Peer("native", "stubtail, native", _OIP, "infer", start_stubtail("native"), "as installed"),
    Peer("grpcio", "stubtail, grpcio", _OIP, "infer", start_stubtail("grpcio"), "as installed"),
    Peer(
        "echo",
        "grpc.aio echo, no model",
        "gRPC, bytes",
        "infer",
        start_echo,
        "uvloop, one process, no protobuf",
        expect="start",
    ),
    Peer(
        "triton",
        "Triton, Python backend",
        _OIP,
        "infer",
        start_triton,
        "two instances, dynamic batching without delay",
        ("nvidia-pytriton==0.7.0", _RUNTIME),
    ),
    Peer(
        "mosec",
        "mosec, batches",
        _RAW,
        "raw",
        _mosec(64),
        "two workers, batches of up to 64, 1 ms",
        _MOSEC,
    ),
    Peer("mosec-single", "mosec, no batches", _RAW, "raw", _mosec(1), "two workers", _MOSEC),
    Peer(
        "fastapi",
        "FastAPI + onnxruntime",
        _RAW,
        "raw",
        program(
            [
                *("-m", "uvicorn", "--app-dir", "{servers}", "fastapi_server:app"),
                *("--host", "127.0.0.1", "--port", "{port}", "--workers", "2"),
                *("--no-access-log", "--log-level", "warning"),
            ]
        ),
        "two uvicorn workers, uvloop, httptools, scored in the event loop",
        ("fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", _RUNTIME),
    ),
    Peer(
        "mlserver",
        "MLServer",
        _OIP,
        "infer",
        start_mlserver,
        "parallel_workers 0: with 1 and 2, its default, calls got no answer here",
        ("mlserver==1.7.1", _RUNTIME),
    ),
    Peer(
        "bentoml",
        "BentoML",
        _RAW,
        "raw",
        program(
            [
                *("-m", "bentoml", "serve", "bentoml_service:Scores", "--working-dir", "{servers}"),
                *("--host", "127.0.0.1", "--port", "{port}"),
            ]
        ),
        "two workers, ASGI route, uvloop, httptools",
        ("bentoml==1.4.39", "uvloop==0.23.0", "httptools==0.9.0", _RUNTIME),
    ),
    Peer(
        "litserve",
        "LitServe",
        "HTTP, base64 in JSON",
        "base64",
        program(["{servers}/litserve_server.py"]),
        "one worker, two API processes, batches of up to 64, 1 ms",
        ("litserve==0.2.19", _RUNTIME),
    ),
    Peer(
        "ray",
        "Ray Serve",
        _OIP,
        "infer",
        program(["{servers}/ray_server.py"]),
        "one replica, gRPC proxy",
        ("ray[serve]==2.60.0", _RUNTIME),
    ),
)
