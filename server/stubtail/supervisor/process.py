"""One worker process as the supervisor sees it: starts it, hears it, signals it."""

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from stubtail.config import Settings, to_document

MESSAGE_BYTES_MAX: Final = 65_536  # a worker says little; more without a line's end is no worker
HANDOVER_TIMEOUT_S: Final = 1.0  # the settings fit a socket's buffer


class WorkerProcess:
    """A process from `start` on.

    Args:
        command: starts a worker; the option --control-fd N is added.
        worker: its number.
        settings: what it is handed.
        http_socket: where it serves its monitoring pages.
    """

    def __init__(
        self, command: Sequence[str], worker: int, settings: Settings, http_socket: Path
    ) -> None:
        self.worker: Final = worker
        self.http_socket: Final = http_socket
        self.failure = ""  # why it could not start, in its own words
        self.is_deaf = False  # its side of the channel is closed
        self._command = tuple(command)
        self._settings = settings
        self._received = b""
        self._process: subprocess.Popen[bytes] | None = None
        self.channel, self._theirs = socket.socketpair()

    @property
    def pid(self) -> int:
        """The process id, valid after `start`."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the process and hands over its settings.

        Raises:
            OSError: the system has no room for it.
        """
        descriptor = self._theirs.fileno()
        self._process = subprocess.Popen(  # noqa: S603  # the command is ours
            [*self._command, "--control-fd", str(descriptor)],
            stdin=subprocess.DEVNULL,
            # Standard output belongs to the one ready line, which the supervisor prints.
            stdout=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which tells the workers
        )
        self._theirs.close()
        document = {
            "settings": to_document(self._settings),
            "worker": self.worker,
            "http_socket": str(self.http_socket),
        }
        self.channel.settimeout(HANDOVER_TIMEOUT_S)
        with contextlib.suppress(OSError):  # it has ended already, which `exit_code` tells
            self.channel.sendall(json.dumps(document).encode() + b"\n")
        self.channel.setblocking(False)

    def exit_code(self) -> int | None:
        """How the process ended (negative: by that signal); None while it runs."""
        return None if self._process is None else self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens when the process has ended."""
        if self._process is not None:
            self._process.send_signal(number)

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have come, without waiting; those that make no sense are left out."""
        try:
            part = self.channel.recv(MESSAGE_BYTES_MAX)
        except BlockingIOError:
            return []
        except OSError:
            part = b""
        self.is_deaf = not part
        self._received += part
        *lines, self._received = self._received.split(b"\n")
        if len(self._received) > MESSAGE_BYTES_MAX:
            self._received = b""
        return [message for line in lines if isinstance(message := _decode(line), dict)]

    def close(self) -> None:
        """Lets go of the channel; the process is gone or shall notice."""
        self.channel.close()
        self._theirs.close()
        self.http_socket.unlink(missing_ok=True)


def _decode(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
