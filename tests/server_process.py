"""A real `stubtail serve` in a process of its own, for tests from outside."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

READY = re.compile(r"ready on (\S+:\d+), metrics on https?://(\S+:\d+)/")
ROOT = Path(__file__).parent.parent


class ServerProcess:
    """One server, from the ready line to its end.

    Args:
        models: folder of models.
        transport: native or grpcio.
        options: further command line arguments.
    """

    def __init__(self, models: Path, transport: str, *options: str) -> None:
        self.transport = transport
        self.command = [
            sys.executable, "-m", "stubtail", "serve", "--models", str(models),
            "--port", "0", "--http-port", "0", "--transport", transport, *options,
        ]  # fmt: skip
        self.lines: list[str] = []
        self._ready: queue.Queue[tuple[str, str] | None] = queue.Queue()
        self.address = self.http_address = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, timeout_s: float = 30.0) -> Self:
        """Starts it and waits for the ready line."""
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1"},
        )
        threading.Thread(target=self._read, daemon=True).start()
        found = self._ready.get(timeout=timeout_s)
        if found is None:
            raise AssertionError("the server did not start:\n" + self.output)
        self.address, self.http_address = found
        return self

    @property
    def pid(self) -> int:
        """The process that was started (the supervisor, with several workers)."""
        assert self.process is not None
        return self.process.pid

    @property
    def output(self) -> str:
        """Everything that it printed so far."""
        return "\n".join(self.lines)

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 30.0) -> int:
        """Sends a signal and waits; returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop:\n" + self.output) from None

    def http(self, path: str) -> tuple[int, str]:
        """Status and text of a page on the HTTP port."""
        try:
            with urllib.request.urlopen(f"http://{self.http_address}{path}", timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def wait_for_output(self, text: str, timeout_s: float = 10.0, count: int = 1) -> None:
        """Waits until the text has been printed so many times."""
        end = time.monotonic() + timeout_s
        while self.output.count(text) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{text!r} was not printed:\n{self.output}")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = READY.search(line)
            if found is not None:
                self._ready.put((found[1], found[2]))
        self.process.stdout.close()
        self._ready.put(None)
