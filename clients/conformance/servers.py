"""Starts the servers that cases need: stubtail with and without TLS, two scripted ones."""

import contextlib
import hashlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
import trustme

from clients.conformance import models, names
from clients.conformance.cases import Case
from clients.conformance.faults import FaultServer
from clients.conformance.provider import Provider
from stubtail.oip import inference_pb2

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"ready on (\S+:\d+)")
START_S = 60.0
REPLACE_S = 1.5
UNLOAD = "/inference.GRPCInferenceService/RepositoryModelUnload"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs.

    Attributes:
        address: where it answers.
        process: its process, or that of its supervisor.
        lines: what it has printed so far.
    """

    address: str
    process: subprocess.Popen[str]
    lines: list[str]


@contextlib.contextmanager
def stubtail(folder: Path, transport: str, *options: str) -> Iterator[Running]:
    """A `stubtail serve` in a process of its own.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", "stubtail", "serve", "--models", str(folder)]
    command += ["--port", "0", "--http-port", "0", "--transport", transport, *options]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines: list[str] = []
    ready = threading.Event()
    address = ""

    def read() -> None:
        nonlocal address
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            found = READY.search(line)
            if found is not None:
                address = found[1]
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if not ready.wait(START_S) or not address:
            raise RuntimeError("stubtail did not start:\n" + "".join(lines))
        yield Running(address, process, lines)
    finally:
        process.terminate()
        try:
            process.wait(START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        assert process.stdout is not None
        process.stdout.close()


@contextlib.contextmanager
def real(transport: str, folder: Path | None = None) -> Iterator[str]:
    """The server of the cases for `real`: its models, one unloaded, and a provider.

    Args:
        transport: native, grpcio or auto.
        folder: where its models go, beside those that are there; None for one of their own.
    """
    with tempfile.TemporaryDirectory() as name, Provider() as provider:
        folder = models.write_all(folder or Path(name) / "models")
        settings = Path(name) / "stubtail.toml"
        settings.write_text(_llm_settings(provider.base_url), encoding="utf-8")
        with stubtail(folder, transport, "--config", str(settings)) as running:
            _unload(running.address, "off")
            yield running.address


def _llm_settings(base_url: str) -> str:
    """A provider whose breaker stays closed: every language asks it for what breaks off."""
    return f"""
[llm]
breaker_failures_max = 10000
breaker_attempts_min = 10000
[llm.providers.said]
base_url = "{base_url}"
models = ["steady", "breaking", "refusing"]
[llm.aliases.fast]
targets = ["said/steady"]
[llm.prices."said/steady"]
input = 1
output = 2
"""


def _unload(address: str, model: str) -> None:
    """Switches a model off, once it is there."""
    request = inference_pb2.RepositoryModelUnloadRequest(model_name=model)
    end_s = time.monotonic() + START_S
    with grpc.insecure_channel(address) as channel:
        while True:
            try:
                channel.unary_unary(UNLOAD)(request.SerializeToString(), timeout=START_S)
            except grpc.RpcError:
                if time.monotonic() > end_s:
                    raise
                time.sleep(0.1)
            else:
                return


@contextlib.contextmanager
def tls(folder: Path) -> Iterator[str]:
    """A server with TLS that wants a client's certificate and a key; its files go into a folder."""
    authority = trustme.CA()
    server, caller = authority.issue_cert("localhost", "127.0.0.1"), authority.issue_cert("caller")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    caller.private_key_pem.write_to_path(folder / "caller.key")
    (folder / "caller.pem").write_bytes(b"".join(one.bytes() for one in caller.cert_chain_pems))
    key = f"stk_conform1_{secrets.token_urlsafe(32)}"
    (folder / "token").write_text(key + "\n", encoding="ascii")
    (folder / "wrong-token").write_text(f"stk_conform1_{secrets.token_urlsafe(32)}\n", "ascii")
    digest = hashlib.sha256(key.encode()).hexdigest()
    settings = folder / "stubtail.toml"
    settings.write_text(
        f"""
[tls]
cert_file = "{folder / "server.pem"}"
key_file = "{folder / "server.pem"}"
client_ca_file = "{folder / "ca.pem"}"
[access.keys.caller]
hashes = ["conform1:{digest}"]
scopes = ["stubtail:read", "stubtail:predict:*"]
""",
        encoding="utf-8",
    )
    written = models.write_all(folder / "models")
    with stubtail(written, "grpcio", "--config", str(settings)) as running:
        yield f"localhost:{running.address.rpartition(':')[2]}"


class Rolling:
    """Two workers of a real server, which are replaced one after the other again and again.

    Args:
        transport: native or grpcio.
    """

    def __init__(self, transport: str) -> None:
        self._transport = transport
        self._stack = contextlib.ExitStack()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._replace, daemon=True)
        self._running: Running | None = None
        self._before = 0

    @property
    def address(self) -> str:
        """Where it answers."""
        assert self._running is not None
        return self._running.address

    def forget(self) -> None:
        """Begins anew for the next client, and with a worker that is replaced."""
        assert self._running is not None
        self._before = self._drained()
        self._running.process.send_signal(signal.SIGHUP)

    def notes(self, _: str) -> dict[str, Any]:
        """How many workers have drained since."""
        return {"drained": self._drained() - self._before}

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        written = models.write_all(Path(folder) / "models")
        workers = stubtail(written, self._transport, "--workers", "2")
        self._running = self._stack.enter_context(workers)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._stack.close()

    def _drained(self) -> int:
        assert self._running is not None
        return sum('"event": "draining"' in line for line in self._running.lines.copy())

    def _replace(self) -> None:
        assert self._running is not None
        while not self._ended.wait(REPLACE_S):
            self._running.process.send_signal(signal.SIGHUP)


class Two:
    """Two scripted servers behind one name.

    Args:
        cases: those whose scripts they play.
        broken: whether only one of them is reachable.
    """

    def __init__(self, cases: list[Case], *, broken: bool) -> None:
        self._broken = broken
        self._names = names.Names()
        self._servers = [FaultServer(cases, host=host) for host in names.ADDRESSES]

    @property
    def address(self) -> str:
        """The name, and who resolves it."""
        return f"dns://127.0.0.1:{self._names.port}/{names.NAME}:{self._servers[0].port}"

    def forget(self) -> None:
        """Begins anew for the next client."""
        for server in self._servers:
            server.forget()

    def notes(self, case: str) -> dict[str, Any]:
        """How many of the servers had calls, and how many attempts they had together."""
        attempts = [server.notes(case)["attempts"] for server in self._servers]
        return {"attempts": sum(attempts), "servers": sum(1 for count in attempts if count)}

    def __enter__(self) -> Self:
        first, second = self._servers
        self._names.__enter__()
        first.__enter__()
        if not self._broken:
            second.port = first.port
            second.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        for server in self._servers[: 1 if self._broken else 2]:
            server.__exit__(*details)
        self._names.__exit__()
