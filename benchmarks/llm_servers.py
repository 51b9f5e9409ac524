"""What the benchmark of language models compares: no proxy, stubtail, and LiteLLM's proxy."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.llm_wire import GrpcWire, HttpWire, Wire
from benchmarks.processes import Server, free_port, stubtail

DIRECT: Final = "direct"
STUBTAIL: Final = "stubtail"
LITELLM: Final = "LiteLLM"
FIRST_MODEL: Final = (
    "pace-4-0"  # a stream that comes at once: its first piece is as quick as can be
)
_LITELLM_KEY: Final = "sk-benchmark"
_LITELLM_PATIENCE_S: Final = 120.0  # it imports for many seconds


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to the upstream.

    Attributes:
        name: in tables.
        server: the proxy; None for the upstream itself.
        address: host:port that callers connect to.
        protocol: "http" or "grpc".
        prefix, key: as for the wires.
    """

    name: str
    server: Server | None
    address: str
    protocol: str
    prefix: str = ""
    key: str = ""

    def wire(self) -> Wire:
        """A connection to it."""
        return GrpcWire(self.prefix) if self.protocol == "grpc" else HttpWire(self.prefix, self.key)


def python_module(name: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", name]


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started meanwhile runs on that core alone; None leaves all."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def stubtail_proxy(
    folder: Path, upstream: str, models: Path, transport: str, paces: list[str]
) -> Server:
    """This repository's server in front of the upstream, not started yet."""
    names = json.dumps(["now", FIRST_MODEL, *paces])
    file = folder / "stubtail.toml"
    file.write_text(
        f'[llm.providers.paced]\nbase_url = "http://{upstream}/v1"\nmodels = {names}\n'
        "concurrency_max = 100000\n[llm]\ncalls_max = 100000\n"
    )
    return stubtail(models, transport, ["--config", str(file)])


def litellm_proxy(folder: Path, upstream: str, python: Path) -> Server:
    """LiteLLM's proxy with one worker, as quiet as it can be, not started yet."""
    file = folder / "litellm.yaml"
    file.write_text(
        "model_list:\n"
        '  - model_name: "*"\n'
        "    litellm_params:\n"
        '      model: "openai/*"\n'
        f'      api_base: "http://{upstream}/v1"\n'
        '      api_key: "sk-none"\n'
        "litellm_settings:\n"
        "  telemetry: false\n"
        "general_settings:\n"
        f'  master_key: "{_LITELLM_KEY}"\n'
    )
    port = free_port()
    command = [
        *(str(python.with_name("litellm")), "--config", str(file), "--host", "127.0.0.1"),
        *("--port", str(port), "--num_workers", "1"),
    ]
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch prices at its start
        "LITELLM_LOG": "ERROR",
        "LITELLM_TELEMETRY": "False",
        "PYTHONWARNINGS": "ignore",
    }
    return Server(
        command,
        listens_on=f"127.0.0.1:{port}",
        environment=environment,
        patience_s=_LITELLM_PATIENCE_S,
    )


def direct(upstream: str) -> Contestant:
    """Nothing in between."""
    return Contestant(DIRECT, None, upstream, "http")


def through(name: str, server: Server) -> Contestant:
    """By a proxy that has started."""
    if name == LITELLM:
        return Contestant(name, server, server.address, "http", key=_LITELLM_KEY)
    return Contestant(name, server, server.address, "grpc", prefix="paced/")
