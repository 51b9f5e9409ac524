"""Servers as processes: started, found ready, weighed and stopped by their own process id."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil

from benchmarks import cores
from benchmarks.errors import ServerError

_ADDRESS = re.compile(r"((?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9_.-]+):\d{2,5})")
_STOP_S = 10.0


def free_port() -> int:
    """A TCP port that was free just now, for servers that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready_address(line: str) -> str | None:
    """The `host:port` in a line that says `ready`, else None."""
    found = _ADDRESS.search(line) if "ready" in line.lower() else None
    return found[1] if found else None


class Server:
    """One server process with all its children. Use it as a context manager.

    Attributes:
        address: `host:port` of its gRPC port, once it is ready.
        ready_s: Time from its start until it said that it was ready.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        listens_on: str | None = None,
        environment: Mapping[str, str] | None = None,
        patience_s: float = 60.0,
    ) -> None:
        """Stores what to start.

        Args:
            command: Program and arguments.
            listens_on: Its `host:port` where it prints no ready line; then it is ready as soon as
                that port accepts connections.
            environment: Variables on top of this process's own.
            patience_s: How long it may take to become ready.
        """
        self.command = list(command)
        self.address = listens_on or ""
        self.ready_s = 0.0
        self._waits_for_port = listens_on is not None
        self._environment = {**os.environ, **(environment or {})}
        self._patience_s = patience_s
        self._said_ready = threading.Event()

    def __enter__(self) -> Self:
        """Starts it and waits until it is ready.

        Raises:
            ServerError: It ended, or was not ready in time.
        """
        self._errors = tempfile.TemporaryFile("w+b")
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self._environment,
        )
        cores.give(self._process.pid)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        self.ready_s = time.perf_counter() - self.started
        return self

    def __exit__(self, *_: object) -> None:
        """Stops it if it still runs, and kills any children that it leaves behind."""
        children = self._tree()
        if self._process.poll() is None:
            self.stop()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._reader.join(_STOP_S)
        self._errors.close()

    def stop(self) -> tuple[float, int]:
        """Asks it to stop, and kills it if it does not; the time that took, and its exit status."""
        begun = time.perf_counter()
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return time.perf_counter() - begun, self._process.returncode

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            for line in stdout:
                address = None if self._waits_for_port else ready_address(line)
                if address and not self._said_ready.is_set():
                    self.address = address
                    self._said_ready.set()

    def _wait_until_ready(self) -> None:
        deadline = time.perf_counter() + self._patience_s
        while time.perf_counter() < deadline:
            if self._waits_for_port:
                if self._accepts():
                    return
                time.sleep(0.02)
            elif self._said_ready.wait(0.005):
                return
            if self._process.poll() is not None:
                raise ServerError(f"ended with {self._process.returncode}: {self._last_words()}")
        raise ServerError(f"not ready after {self._patience_s:.0f} s: {self._last_words()}")

    def _accepts(self) -> bool:
        host, _, port = self.address.rpartition(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0

    def _last_words(self) -> str:
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip()
        return words[-2000:] or "it wrote nothing to stderr"

    @property
    def pid(self) -> int:
        """Process id of the parent."""
        return self._process.pid

    def running(self) -> bool:
        """Whether the parent still runs."""
        return self._process.poll() is None

    def _tree(self) -> list[psutil.Process]:
        """The children, their children and so on, without the parent."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def alone(self) -> None:
        """Waits until the parent has no other process, but not for ever."""
        deadline = time.perf_counter() + _STOP_S
        while self._tree() and time.perf_counter() < deadline:
            time.sleep(0.05)

    def cpu_s(self) -> float:
        """Processor time, user and system, of the parent and all descendants, living and dead."""
        total = 0.0
        for process in (psutil.Process(self.pid), *self._tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def rss_bytes(self) -> int:
        """Resident memory of the parent and all descendants, shared pages counted in each."""
        total = 0
        for process in (psutil.Process(self.pid), *self._tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def own_rss_bytes(self) -> int:
        """Resident memory of the parent alone: quick enough to ask within a load."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def connections(self) -> int:
        """Connections to the address that stand, of the parent and all descendants."""
        port, total = int(self.address.rpartition(":")[2]), 0
        for process in (psutil.Process(self.pid), *self._tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(
                    one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port
                    for one in process.net_connections("tcp")
                )
        return total

    def descriptors(self) -> int:
        """Open file descriptors of the parent and all descendants."""
        total = 0
        for process in (psutil.Process(self.pid), *self._tree()):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.num_fds()
        return total


def stubtail(models: Path, transport: str, arguments: Sequence[str] = ()) -> Server:
    """This repository's server on free ports, serving `models`."""
    return Server(
        [
            *(sys.executable, "-m", "stubtail", "serve"),
            *("--port", "0", "--http-port", "0"),
            *("--models", str(models), "--transport", transport),
            *arguments,
        ]
    )


def echo(flavour: str) -> Server:
    """A bare grpc.aio echo: `bytes` is the floor, `protobuf` parses and builds messages."""
    return Server([sys.executable, "-m", "benchmarks.servers.echo", flavour])


def http_echo() -> Server:
    """A bare HTTP/1.1 echo over asyncio, which no inference server can be cheaper than by much."""
    return Server([sys.executable, "-m", "benchmarks.servers.http_echo"])
