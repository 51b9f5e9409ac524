"""Signals as a list that a loop reads at its own pace; arriving ones wake its select."""

import contextlib
import signal
import socket
from collections import deque
from types import FrameType
from typing import Any, Self


class SignalInbox:
    """Collects SIGTERM, SIGINT and SIGHUP while entered; the end of a child wakes only.

    Works in the main thread only, as Python's signals do.
    """

    def __init__(self) -> None:
        self._arrived: deque[signal.Signals] = deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """For select: readable when something came."""
        return self._reader.fileno()

    def take(self) -> list[signal.Signals]:
        """What came since the last time, in order."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        taken = []
        while self._arrived:
            taken.append(self._arrived.popleft())
        return taken

    def _note(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._arrived.append(signal.Signals(number))
