"""What a worker tells whoever started it: ready, alive, failed; and hears: stop."""

import contextlib
import json
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TextIO

from stubtail.config import Settings, from_document, http_scheme

HANDOVER_BYTES_MAX: Final = 1024 * 1024
HANDOVER_TIMEOUT_S: Final = 10.0
SEND_TIMEOUT_S: Final = 1.0
MESSAGE_CHARACTERS_MAX: Final = 4000
ORPHAN_MARGIN_S: Final = 5.0
LOST_PARENT_EXIT: Final = 1

HttpAddress = tuple[str, int] | Path


class Control(Protocol):
    """The worker's side of its start, life and end; all methods may be called by any thread."""

    @property
    def worker(self) -> int | None:
        """The number of this worker; None where it is the only process."""

    @property
    def shares_port(self) -> bool:
        """Whether to listen with SO_REUSEPORT."""

    @property
    def http_address(self) -> HttpAddress:
        """Where the monitoring pages are served: (host, port), or the path of a Unix socket."""

    def start(self, on_stop: Callable[[], None]) -> None:
        """From now on `on_stop` is called, on another thread and once, when to drain and end."""

    def ready(self, address: str, http_address: str) -> None:
        """The server answers at `address` (host:port), the pages at `http_address`."""

    def failed(self, message: str) -> None:
        """The start failed; `message` tells people why and how to mend it."""

    def heartbeat(self, part: str) -> None:
        """A part ("loop", "lane") works; from its first beat on, it must beat every interval."""

    def silence_s(self) -> float:
        """How long the quietest part has been silent; 0 before the first heartbeat."""


def shared_folder(control: Control) -> Path | None:
    """A folder that all workers of one server have; None where there is only one process."""
    address = control.http_address
    return address.parent if control.shares_port and isinstance(address, Path) else None


class Heartbeats:
    """When each part of a process was last heard."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard_s: dict[str, float] = {}

    def heartbeat(self, part: str) -> None:
        """Notes that the part works."""
        self._heard_s[part] = self._clock()

    def silence_s(self) -> float:
        """How long the quietest part has been silent; 0 before the first heartbeat."""
        now_s = self._clock()
        return max((now_s - heard_s for heard_s in self._heard_s.copy().values()), default=0.0)


class ForegroundControl(Heartbeats):
    """The control of a server that is its own parent: tells people on the terminal.

    Args:
        settings: of this process.
        announce: prints the ready line, given host:port of gRPC and the URL of the pages.
        errors: where a failure is told.
    """

    worker: Final = None
    shares_port: Final = False

    def __init__(
        self, settings: Settings, announce: Callable[[str, str], None], errors: TextIO
    ) -> None:
        super().__init__()
        self.http_address: HttpAddress = (settings.server.http_host, settings.server.http_port)
        self._scheme = http_scheme(settings)
        self._announce = announce
        self._errors = errors

    def start(self, on_stop: Callable[[], None]) -> None:
        """Nothing: only signals stop this process."""

    def ready(self, address: str, http_address: str) -> None:
        """Prints the ready line."""
        self._announce(address, f"{self._scheme}://{http_address}")

    def failed(self, message: str) -> None:
        """Prints the message."""
        self._errors.write(f"stubtail: {message}\n")
        self._errors.flush()


class PipeControl(Heartbeats):
    """The control of a worker under a supervisor, over an inherited socket.

    When the socket ends, the supervisor has: the worker then drains like after SIGTERM, and a
    worker that cannot is ended hard.

    Args:
        channel: the socket; `connect` takes it over.
        worker: the number of this worker.
        http_address: the Unix socket for the monitoring pages.
        settings: of this worker.
    """

    shares_port: Final = True

    def __init__(
        self, channel: socket.socket, worker: int, http_address: Path, settings: Settings
    ) -> None:
        super().__init__()
        self.worker: Final = worker
        self.http_address: HttpAddress = http_address
        self._channel = channel
        self._interval_s = settings.supervisor.heartbeat_interval_ms / 1e3
        drain_ms = settings.drain.delay_ms + settings.drain.grace_ms
        self._orphan_s = drain_ms / 1e3 + ORPHAN_MARGIN_S
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def connect(cls, descriptor: int) -> tuple[Settings, "PipeControl"]:
        """Takes over the socket and reads what the supervisor hands over.

        Raises:
            ValueError: nothing usable came; the descriptor is not a supervisor's.
        """
        channel = None
        try:
            channel = socket.socket(fileno=descriptor)
            channel.settimeout(HANDOVER_TIMEOUT_S)
            document = json.loads(_read_line(channel))
            settings = from_document(Settings, document["settings"])
            path = Path(document["http_socket"])
            return settings, cls(channel, int(document["worker"]), path, settings)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            if channel is not None:
                channel.close()
            raise ValueError(f"no supervisor at descriptor {descriptor}") from error

    def start(self, on_stop: Callable[[], None]) -> None:
        """Begins to send signs of life and to watch for the supervisor's end."""
        self._thread = threading.Thread(
            target=self._watch, args=(on_stop,), name="stubtail-control", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Lets go of the supervisor: this process ends by itself now."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)  # wakes the thread
        if self._thread is not None:
            self._thread.join()
        self._channel.close()

    def ready(self, address: str, http_address: str) -> None:
        """Tells the supervisor, who prints one line for all workers."""
        self._send({"ready": address, "http": http_address})

    def failed(self, message: str) -> None:
        """Tells the supervisor, and people in case that nobody listens."""
        self._send({"failed": message[:MESSAGE_CHARACTERS_MAX]})

    def _watch(self, on_stop: Callable[[], None]) -> None:
        while not select.select([self._channel], [], [], self._interval_s)[0]:
            self._send({"silence_ms": round(self.silence_s() * 1e3)})
        if self._closed.is_set():
            return
        on_stop()
        if self._closed.wait(self._orphan_s):
            return
        sys.stderr.write(f"stubtail: worker {self.worker} lost its supervisor and hangs\n")
        os._exit(LOST_PARENT_EXIT)

    def _send(self, message: dict[str, object]) -> None:
        with self._lock:
            try:
                self._channel.settimeout(SEND_TIMEOUT_S)
                self._channel.sendall(json.dumps(message).encode() + b"\n")
            except OSError:
                return  # the supervisor has gone or hangs: serving matters more than telling


def _read_line(channel: socket.socket) -> bytes:
    content = b""
    while not content.endswith(b"\n"):
        part = channel.recv(65536)
        content += part
        if not part or len(content) > HANDOVER_BYTES_MAX:
            raise ValueError("the settings did not come")
    return content
