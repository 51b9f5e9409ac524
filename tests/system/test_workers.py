"""Tests of several real workers on one port, under load: crash, replacement, drain, metrics."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import psutil
import pytest

from stubtail_client import Client, StubtailError
from tests.integration.calls import infer, infer_request
from tests.model_files import affine, write_model
from tests.server_process import ServerProcess

THREADS = 6


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small model: y = 2 x + 1."""
    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "affine" / "1", affine(features=1))
    return folder


@pytest.fixture
def server(models: Path, transport: str) -> Iterator[ServerProcess]:
    """Two workers that come back quickly."""
    options = ("--workers", "2", "--set", "supervisor.restart_backoff_min_ms=20")
    with ServerProcess(models, transport, *options) as process:
        yield process
    assert "Traceback" not in process.output, process.output


PAUSE_S = 0.01  # between two calls: a start under full load takes ten times as long


class Load:
    """Threads that call again and again, each on a connection of its own."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.outcomes: list[tuple[float, str]] = []
        self.running = threading.Event()
        self.running.set()

    def by_status(self) -> Counter[str]:
        """How many calls ended how."""
        return Counter(status for _, status in self.outcomes)

    def longest_silence_s(self, until_s: float) -> float:
        """The longest time without a single answer that was OK."""
        times = sorted(at for at, status in self.outcomes if status == "OK" and at <= until_s)
        return max(np.diff(times), default=float("inf"))

    def wait_for_answers(self, count: int) -> None:
        """Until so many further calls were answered."""
        target = self.by_status()["OK"] + count
        deadline = time.monotonic() + 20
        while self.by_status()["OK"] < target:
            assert time.monotonic() < deadline, self.server.output
            time.sleep(0.01)

    def call_raw(self, number: int) -> None:
        """Calls ModelInfer without retries and keeps each status."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
        ]
        with grpc.insecure_channel(self.server.address, options) as channel:
            value = float(number)
            while self.running.is_set():
                value += THREADS
                rows = np.array([[value]], np.float32)
                try:
                    found = infer(channel, infer_request("affine", x=rows), timeout=10)["y"]
                    right = found.tolist() == [[2 * value + 1]]
                    status = "OK" if right else f"{found} is not 2 * {value} + 1"
                except grpc.RpcError as error:
                    status = error.code().name
                    time.sleep(0.01)
                self.outcomes.append((time.monotonic(), status))
                time.sleep(PAUSE_S)

    def call_client(self, number: int) -> None:
        """Calls Score with the client, which retries where the contract says so."""
        with Client(self.server.address, timeout=10) as client:
            value = float(number)
            while self.running.is_set():
                value += THREADS
                try:
                    scores = client.score("affine", np.array([[value]]))
                    right = np.asarray(scores.scores).tolist() == [2 * value + 1]
                    status = "OK" if right else f"{scores} is not 2 * {value} + 1"
                except StubtailError as error:
                    status = repr(error)
                self.outcomes.append((time.monotonic(), status))
                time.sleep(PAUSE_S)


@contextmanager
def loading(server: ServerProcess, kind: str = "call_raw") -> Iterator[Load]:
    """Load on the server while entered."""
    load = Load(server)
    call = getattr(load, kind)
    threads = [threading.Thread(target=call, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        load.wait_for_answers(100)
        yield load
    finally:
        load.running.clear()
        for thread in threads:
            thread.join()


def workers_of(server: ServerProcess) -> set[int]:
    """The process ids of the workers."""
    return {child.pid for child in psutil.Process(server.pid).children()}


def test_killed_worker_under_load(server):
    """A worker dies by kill -9: its calls in flight end UNAVAILABLE, all others are answered."""
    with loading(server) as load:
        victim = min(workers_of(server))
        killed_s = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        server.wait_for_output("worker ended")
        server.wait_for_output("worker ready", count=3, timeout_s=30)
        load.wait_for_answers(200)
        end_s = time.monotonic()

    assert set(load.by_status()) <= {"OK", "UNAVAILABLE"}
    # A dying process closes its connections before its listener, so that one that comes back at
    # once may meet it again; then it waits a moment, and that is all.
    assert all(at - killed_s < 5.0 for at, status in load.outcomes if status != "OK")
    assert load.longest_silence_s(end_s) < 3.0
    assert victim not in workers_of(server)
    assert server.stop() == 0


def test_rolling_replacement_under_load(server):
    """SIGHUP replaces all workers; a client that tries again where it may has no failed call."""
    with loading(server, "call_client") as load:
        before = workers_of(server)
        os.kill(server.pid, signal.SIGHUP)
        server.wait_for_output("worker stopped", count=2, timeout_s=60)
        load.wait_for_answers(200)

    assert_nothing_else(load, {"OK"}, "Cancelled('CANCELLED')")
    assert not before & workers_of(server)
    assert server.stop() == 0


def test_drain_under_load(server):
    """SIGTERM: every call is answered or refused as UNAVAILABLE; none gets lost; exit code 0."""
    with loading(server) as load:
        assert server.stop() == 0

    assert_nothing_else(load, {"OK", "UNAVAILABLE"}, "CANCELLED")


def assert_nothing_else(load: Load, allowed: set[str], cancelled: str) -> None:
    """All calls ended as allowed.

    A call that reaches grpc-core between its shutdown and the client's reading of GOAWAY never
    comes to us: grpc-core ends it as CANCELLED, at most one on each connection of a worker.
    """
    found = load.by_status()
    if load.server.transport == "grpcio":
        assert found.pop(cancelled, 0) <= 2 * THREADS
    assert set(found) <= allowed, found


def test_metrics_of_all_workers(server):
    """One scrape tells the calls of every worker; together they are the calls that were made."""
    channels = [
        grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range(12)
    ]
    for channel in channels:
        with channel:
            for _ in range(5):
                infer(channel, infer_request("affine", x=np.ones((2, 1), np.float32)))

    status, text = server.http("/metrics")

    assert status == 200
    calls = re.findall(r'stubtail_calls_total\{worker="\d",model="affine",.*"OK".*\} (\S+)', text)
    assert sum(map(float, calls)) == 60
    rows = re.findall(r'stubtail_batch_rows_sum\{worker="\d",model="affine".*\} (\S+)', text)
    assert sum(map(float, rows)) == 120
    assert len(re.findall(r"process_resident_memory_bytes\{worker=", text)) == 2
    assert server.http("/readyz") == (200, "ready\n")
    assert server.http("/healthz") == (200, "alive\n")


def test_hung_worker_under_load(models, transport):
    """A worker that is stopped (SIGSTOP) is killed by the watchdog and replaced."""
    options = ("--workers", "2", "--set", "supervisor.heartbeat_timeout_ms=1500")
    with ServerProcess(models, transport, *options) as server, loading(server) as load:
        victim = min(workers_of(server))
        os.kill(victim, signal.SIGSTOP)
        server.wait_for_output("worker hangs", timeout_s=30)
        server.wait_for_output("worker ready", count=3, timeout_s=30)
        load.wait_for_answers(200)

    assert set(load.by_status()) <= {"OK", "UNAVAILABLE"}
    assert server.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_port_in_use(models, transport, workers):
    """A port that somebody else has: a message that names it and the option, exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = serve(models, "--port", port, "--workers", workers, "--transport", transport)

    assert done.returncode == 1
    assert f"stubtail: 127.0.0.1:{port} is in use by another process" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_http_port_in_use(models, workers):
    """So for the HTTP port."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = serve(models, "--http-port", port, "--workers", workers)

    assert done.returncode == 1
    assert f"the HTTP port 127.0.0.1:{port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_configuration_errors(models):
    """Every mistake at once, exit code 2, nothing started."""
    done = serve(models, "--transport", "http", "--set", "limits.rows=1", "--workers", "0")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "stubtail: the configuration has 3 problems:",
        '  option --transport: got "http"; allowed: "auto" or "native" or "grpcio"',
        '  option --workers: got "0"; allowed: "auto" or a whole number from 1 to 256',
        "  option --set limits.rows: no such setting; did you mean limits.rows_max?",
    ]


def test_help_teaches(tmp_path):
    """The help shows examples, and the settings that are printed can be read back."""
    command = [sys.executable, "-m", "stubtail"]
    text = subprocess.run([*command, "--help"], capture_output=True, check=True, text=True).stdout
    assert "stubtail serve --workers auto" in text
    assert "worker " not in text.partition("examples:")[0]

    printed = subprocess.run(
        [*command, "config", "--port", "9000"], capture_output=True, check=True, text=True
    ).stdout
    file = tmp_path / "stubtail.toml"
    file.write_text(printed)
    again = subprocess.run(
        [*command, "config", "--config", str(file)], capture_output=True, check=True, text=True
    ).stdout

    assert again == printed
    assert "port = 9000" in printed


def serve(models: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    free = {"--port": "0", "--http-port": "0"}
    defaults = [part for option in free if option not in options for part in (option, "0")]
    return subprocess.run(
        [sys.executable, "-m", "stubtail", "serve", "--models", str(models), *defaults, *options],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
