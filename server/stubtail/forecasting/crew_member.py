"""One process that forecasts, as the server sees it: its start, its end, the socket to it."""

import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from stubtail.forecasting.task import GraphFile
from stubtail.forecasting.worker import READY

START_S_MAX: Final = 60.0  # libraries and graphs from a cold disk on a busy machine
END_S: Final = 2.0
STALL_S: Final = 1.0  # within a message: an idle process reads at once, and one that answers writes


class Member:
    """One process and the socket to it.

    Args:
        cached_fits_max: passed to it.

    Attributes:
        connection: tasks go in, answers come out.
    """

    def __init__(self, cached_fits_max: int) -> None:
        ours, theirs = socket.socketpair()
        bound_stalls(ours, STALL_S)
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "stubtail.forecasting.worker", str(number)]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, str(cached_fits_max)], pass_fds=[number], stdin=subprocess.DEVNULL
            )
        self.connection: Any = Connection(ours.detach())

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def get_ready(self, graphs: Sequence[GraphFile]) -> None:
        """Waits until it has loaded its libraries and these graphs.

        Raises:
            OSError, EOFError, TimeoutError: it did not.
        """
        self.connection.send(list(graphs))
        if not self.connection.poll(START_S_MAX):
            raise TimeoutError("a forecasting process took too long to start")
        if self.connection.recv() != READY:
            raise OSError("a forecasting process said something unexpected")

    def end(self) -> None:
        """Ends the process; may be called again."""
        self._process.kill()  # before the socket, on which another thread may wait
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: it ends when it comes out
            self._process.wait(END_S)
        self.connection.close()


def bound_stalls(end: socket.socket, stall_s: float) -> None:
    """Messages that no longer move end with an OSError: a stopped process must not hold a call.

    Args:
        end: blocking; what is larger than its buffers waits for the other side.
        stall_s: seconds, for each piece that the system takes.
    """
    seconds = int(stall_s)
    limit = struct.pack("@ll", seconds, round((stall_s - seconds) * 1e6))  # a struct timeval
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
