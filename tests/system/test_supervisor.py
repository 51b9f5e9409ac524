"""Tests of the supervisor with real processes and stub workers: faults, signals, replacement."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

SCRIPT = Path(__file__).with_name("stub_supervisor.py")
QUICK = {
    "restart_backoff_min_ms": 20,
    "restart_backoff_max_ms": 100,
    "heartbeat_interval_ms": 50,
    "heartbeat_timeout_ms": 5000,
}


class Running:
    """A supervisor over stubs, its ports and what it says."""

    def __init__(self, process: subprocess.Popen[str], log: Path, faults: Path) -> None:
        self.process = process
        self.faults = faults
        self._log = log
        self.port = self.http_port = 0

    def read_ready(self) -> str:
        """Waits for the ready line and takes the ports from it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(
            r"ready on 127\.0\.0\.1:(\d+), metrics on http://127\.0\.0\.1:(\d+)", line
        )
        assert found, line + self.log()
        self.port, self.http_port = int(found[1]), int(found[2])
        return line

    def ask(self, order: str = "who") -> tuple[int, int]:
        """Worker and process id of who answers; (-1, -1) when nobody does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
                peer.sendall(order.encode())
                answer = peer.recv(100).split()
            return (int(answer[0]), int(answer[1])) if answer else (-1, -1)
        except ConnectionError:
            return (-1, -1)

    def everybody(self) -> dict[int, int]:
        """The process id of each worker that answers, by number."""
        found = dict(self.ask() for _ in range(40))
        found.pop(-1, None)
        return found

    def page(self, path: str) -> str:
        """A page of the HTTP port."""
        url = f"http://127.0.0.1:{self.http_port}{path}"
        with urllib.request.urlopen(url, timeout=5) as reply:
            return str(reply.read(), "utf-8")

    def log(self) -> str:
        """What it logged so far."""
        return self._log.read_text(encoding="utf-8")

    def until(self, condition: Callable[[], Any]) -> Any:
        """Waits for a condition for half a minute at most."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.01)
        raise AssertionError(self.log())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(40)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts supervisors, and leaves no process behind."""
    started: list[Running] = []

    @contextmanager
    def start(workers: int = 2, *, port: int = 0, **sections: Any) -> Iterator[Running]:
        faults = tmp_path / "faults"
        faults.mkdir(exist_ok=True)
        document = {
            "server": {"port": port, "http_port": 0},
            "supervisor": QUICK | sections.pop("supervisor", {}),
            **sections,
        }
        log = tmp_path / f"log-{len(started)}"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(faults), str(workers), json.dumps(document)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        running = Running(process, log, faults)
        started.append(running)
        with process:
            try:
                yield running
            finally:
                process.kill()

    yield start
    for running in started:
        gone = f"{running.faults}"
        left = [p for p in psutil.process_iter(["cmdline"]) if gone in (p.info["cmdline"] or ())]
        _, alive = psutil.wait_procs(left, timeout=10)
        assert not alive


def test_workers_share_the_port(supervise):
    """All workers answer on one port; one ready line is printed; SIGTERM drains and ends with 0."""
    with supervise() as running:
        running.read_ready()

        assert set(running.everybody()) == {0, 1}
        assert running.page("/healthz") == "alive\n"
        assert 'stub_up{worker="1"} 1' in running.page("/metrics")
        assert running.stop() == 0
        assert running.process.stdout.read() == ""


def test_crashed_worker_is_replaced(supervise):
    """Kill -9 of a worker: the others serve on, a new one takes its place, and it is counted."""
    with supervise() as running:
        running.read_ready()
        before = running.everybody()
        while running.ask("crash")[0] != -1:
            pass

        running.until(lambda: len(running.everybody()) == 2)
        assert len(set(before.values()) & set(running.everybody().values())) == 1
        restarts = re.findall(r'restarts_total\{worker="\d"\} (\S+)', running.page("/metrics"))
        assert sorted(restarts) == ["0.0", "1.0"]
        assert running.stop() == 0


def test_hung_worker_is_killed(supervise):
    """A worker whose parts fall silent is killed and replaced, although its process lives."""
    with supervise(1, supervisor={"heartbeat_timeout_ms": 500}) as running:
        running.read_ready()
        before = running.ask("hang")

        running.until(lambda: running.ask()[1] not in {before[1], -1})
        assert "worker hangs" in running.log()
        assert running.stop() == 0


def test_one_bad_worker_does_not_stop_the_rest(supervise, tmp_path):
    """A worker that never starts is told and tried again, while the other one serves."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "fail-1").touch()
    with supervise() as running:
        running.read_ready()
        assert set(running.everybody()) == {0}
        running.until(lambda: "serving with fewer workers" in running.log())

        (running.faults / "fail-1").unlink()
        running.until(lambda: len(running.everybody()) == 2)
        assert running.stop() == 0


def test_start_that_cannot_succeed_ends(supervise, tmp_path):
    """When no worker ever starts, the supervisor gives up, says why and exits with 1."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "fail").touch()
    with supervise() as running:
        assert running.process.wait(40) == 1
        assert running.process.stdout.read() == ""
        assert running.log().count("the stub was told to fail") >= 6
        assert "no worker could start" in running.log()


def test_rolling_replacement_keeps_answering(supervise):
    """SIGHUP replaces every worker, one after the other, and the port answers all the time."""
    with supervise() as running:
        running.read_ready()
        before = running.everybody()
        running.process.send_signal(signal.SIGHUP)

        def all_new() -> bool:
            now = running.everybody()
            assert now
            return len(now) == 2 and not set(now.values()) & set(before.values())

        running.until(all_new)
        assert running.stop() == 0


def test_replacement_that_fails_keeps_the_old(supervise):
    """When the first new worker cannot start, the present ones stay."""
    with supervise() as running:
        running.read_ready()
        before = running.everybody()
        (running.faults / "fail").touch()
        running.process.send_signal(signal.SIGHUP)

        running.until(lambda: "replacing workers was given up" in running.log())
        assert running.everybody() == before
        assert running.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_in_progress_are_answered(supervise, number):
    """A call that a worker has accepted is answered after the signal."""
    with supervise(1) as running:
        running.read_ready()
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as peer:
            peer.sendall(b"slow")
            time.sleep(0.1)
            running.process.send_signal(number)
            assert peer.recv(100)
        assert running.process.wait(40) == 0


def test_worker_that_does_not_drain_is_killed(supervise, tmp_path):
    """After grace and a second the worker is killed, and the exit code tells it."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "deaf").touch()
    with supervise(1, drain={"grace_ms": 100}) as running:
        running.read_ready()
        assert running.stop() == 1
        assert "did not drain in time" in running.log()


def test_second_signal_kills(supervise, tmp_path):
    """Whoever asks twice does not want to wait."""
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "deaf").touch()
    with supervise(2) as running:
        running.read_ready()
        running.process.send_signal(signal.SIGTERM)
        running.until(lambda: "stopping" in running.log())
        assert running.stop(signal.SIGINT) == 1


def test_workers_end_with_their_supervisor(supervise):
    """Kill -9 of the supervisor: its workers drain and end by themselves."""
    with supervise() as running:
        running.read_ready()
        pids = running.everybody().values()
        running.process.kill()

        running.until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_port_in_use_is_told(supervise):
    """A port that somebody else has: a message that names it, exit code 1, no worker."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with supervise(port=port) as running:
            assert running.process.wait(40) == 1
            assert f"127.0.0.1:{port} is in use" in running.log()


def test_parent_stays_light():
    """The supervisor's process never loads gRPC, ONNX Runtime or numpy."""
    code = (
        "import sys, stubtail.__main__\n"
        "print(sorted({'grpc', 'onnxruntime', 'numpy', 'prometheus_client'} & set(sys.modules)))"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert found.stdout.strip() == "[]"
