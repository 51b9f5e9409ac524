"""The parent of several workers: starts them, restarts them, replaces them, drains them."""

import logging
import math
import select
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from stubtail.config import Settings, http_scheme
from stubtail.http_port import http_access, http_port, start_access
from stubtail.runtime_folder import RuntimeFolder
from stubtail.supervisor.pages import Family, supervisor_pages
from stubtail.supervisor.policy import WorkerLife, may_announce, must_give_up
from stubtail.supervisor.ports import join, reserve
from stubtail.supervisor.process import WorkerProcess
from stubtail.supervisor.signals import SignalInbox

LOOK_INTERVAL_S: Final = 0.5  # for what nothing wakes the loop: silence and time limits
KILL_MARGIN_S: Final = 5.0  # a worker keeps its own time first, and flushes and closes after

_log = logging.getLogger("stubtail.supervisor")


@dataclass(slots=True, eq=False)
class _Place:
    """Where one worker belongs, and the process that fills it at present."""

    number: int
    life: WorkerLife
    process: WorkerProcess | None = None
    start_at_s: float | None = 0.0  # None while a process runs or none is wanted
    restarts: int = 0


class Supervisor:
    """Runs workers on one port until a signal ends it.

    SIGTERM and SIGINT drain, a second one kills, SIGHUP replaces one worker after the other.

    Args:
        settings: of the server.
        workers: how many processes.
        command: starts a worker, which is handed a `PipeControl`.
        announce: prints the ready line, given host:port of gRPC and the URL of the pages.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: Settings,
        workers: int,
        *,
        command: Sequence[str],
        announce: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._command = command
        self._announce = announce
        self._clock = clock
        self._places = [_Place(n, WorkerLife(settings.supervisor)) for n in range(workers)]
        self._incoming: _Place | None = None  # the next of a rolling replacement
        self._rolling: deque[_Place] = deque()
        self._leaving: dict[WorkerProcess, float] = {}  # asked to stop, and when to kill it
        self._announced = False
        self._stopping = False
        self._exit_code = 0
        self._generation = 0
        self._folder = Path()
        self._address = self._pages = ""

    def run(self) -> int:
        """Serves until told to stop; returns the exit code.

        Raises:
            PortError: the gRPC port cannot be used.
            MonitoringError: the HTTP port cannot be used, or the file of callers who may read it.
        """
        server = self._settings.server
        held, port = reserve(server.host, server.port)
        self._settings = replace(self._settings, server=replace(server, port=port))
        self._address = join(server.host, port)
        runtime = RuntimeFolder()
        self._folder = runtime.path
        pages = supervisor_pages(self._ready_sockets, self._families)
        access = http_access(self._settings)
        address = (server.http_host, server.http_port)
        monitoring = http_port(self._settings, pages, address, access.guard if access else None)
        try:
            start_access(access)
            monitoring.start()
            self._pages = f"{http_scheme(self._settings)}://{monitoring.address}"
            with SignalInbox() as inbox:
                self._loop(inbox)
        finally:
            self._signal_all(signal.SIGKILL)
            monitoring.close()
            if access is not None:
                access.close()
            held.close()
            runtime.remove()
        return self._exit_code

    def _loop(self, inbox: SignalInbox) -> None:
        while True:
            now_s = self._clock()
            self._obey(inbox.take(), now_s)
            for place in self._all_places():
                self._hear(place, now_s)
                self._reap(place, now_s)
                self._end_hung(place, now_s)
            self._end_leaving(now_s)
            if self._stopping:
                if not self._leaving:
                    return
            else:
                self._start_due(now_s)
                self._roll(now_s)
                self._judge_start(now_s)
            self._wait(inbox, now_s)

    def _wait(self, inbox: SignalInbox, now_s: float) -> None:
        due = [place.start_at_s for place in self._all_places() if place.start_at_s is not None]
        timeout_s = min([LOOK_INTERVAL_S, *(at_s - now_s for at_s in due)])
        heard = [process.channel.fileno() for process in self._processes() if not process.is_deaf]
        select.select([inbox.fileno(), *heard], [], [], max(0.0, timeout_s))

    def _obey(self, signals: list[signal.Signals], now_s: float) -> None:
        for number in signals:
            if number == signal.SIGHUP:
                if not (self._stopping or self._rolling or self._incoming):
                    _log.info("replacing workers", extra={"workers": len(self._places)})
                    self._rolling.extend(self._places)
            elif self._stopping:
                _log.warning("killing workers", extra={"signal": number.name})
                self._exit_code = 1
                self._signal_all(signal.SIGKILL)
            else:
                _log.info("stopping", extra={"signal": number.name})
                self._stop(now_s)

    def _stop(self, now_s: float) -> None:
        self._stopping = True
        self._rolling.clear()
        for place in self._all_places():
            place.start_at_s = None
            if place.process is not None:
                self._retire(place.process, now_s)
                place.process = None

    def _hear(self, place: _Place, now_s: float) -> None:
        process = place.process
        if process is None:
            return
        for message in process.receive():
            if "ready" in message:
                place.life.became_ready(now_s)
                extra = {"worker": place.number, "pid": process.pid}
                _log.info("worker ready", extra=extra)
            elif isinstance(silence_ms := message.get("silence_ms"), int):
                place.life.heard(now_s, silence_ms / 1e3)
            elif "failed" in message:
                process.failure = str(message["failed"])

    def _reap(self, place: _Place, now_s: float) -> None:
        process = place.process
        if process is None or (code := process.exit_code()) is None:
            return
        self._hear(place, now_s)  # its last words
        process.close()
        place.process = None
        place.start_at_s = place.life.ended(now_s)
        place.restarts += 1
        _log.error(
            "worker ended",
            extra={
                "worker": place.number,
                "pid": process.pid,
                "exit_code": code,
                "reason": process.failure or "see its own lines",
                "restart_in_ms": round((place.start_at_s - now_s) * 1e3),
            },
        )
        if place is self._incoming:
            self._abandon_rolling()

    def _end_hung(self, place: _Place, now_s: float) -> None:
        if place.process is None or (problem := place.life.hung(now_s)) is None:
            return
        _log.error("worker hangs", extra={"worker": place.number, "reason": problem})
        place.process.failure = problem
        place.process.signal(signal.SIGKILL)

    def _end_leaving(self, now_s: float) -> None:
        for process, kill_at_s in list(self._leaving.items()):
            if not process.is_deaf:
                process.receive()  # what it says no longer matters, but unread it would wake us
            if (code := process.exit_code()) is not None:
                _log.info("worker stopped", extra={"worker": process.worker, "exit_code": code})
                process.close()
                del self._leaving[process]
            elif now_s >= kill_at_s:
                _log.error("worker did not drain in time", extra={"worker": process.worker})
                self._exit_code = 1 if self._stopping else self._exit_code
                process.signal(signal.SIGKILL)
                self._leaving[process] = math.inf

    def _start_due(self, now_s: float) -> None:
        for place in self._all_places():
            if place.start_at_s is None or now_s < place.start_at_s:
                continue
            self._generation += 1
            path = self._folder / f"{place.number}-{self._generation}.sock"
            process = WorkerProcess(self._command, place.number, self._settings, path)
            place.life.started(now_s)
            try:
                process.start()
            except OSError as error:
                process.close()
                place.start_at_s = place.life.ended(now_s)
                _log.error("worker cannot start", extra={"reason": error.strerror})
                if place is self._incoming:
                    self._abandon_rolling()
                continue
            place.process, place.start_at_s = process, None
            extra = {"worker": place.number, "pid": process.pid}
            _log.info("worker started", extra=extra)

    def _roll(self, now_s: float) -> None:
        """Replaces the next worker once its successor is ready and its predecessor has left."""
        incoming = self._incoming
        if incoming is not None and incoming.life.is_ready:
            place = self._places[incoming.number]
            if place.process is not None:
                self._retire(place.process, now_s)
            place.process, place.life, place.start_at_s = incoming.process, incoming.life, None
            self._incoming = None
        elif incoming is None and self._rolling and not self._leaving:
            number = self._rolling.popleft().number
            self._incoming = _Place(number, WorkerLife(self._settings.supervisor))
            self._start_due(now_s)

    def _abandon_rolling(self) -> None:
        _log.error("replacing workers was given up; the present ones stay")
        self._incoming = None
        self._rolling.clear()

    def _judge_start(self, now_s: float) -> None:
        lives = [place.life for place in self._places]
        if not self._announced and may_announce(lives):
            self._announced = True
            self._announce(self._address, self._pages)
            if failed := sum(not life.is_ready for life in lives):
                _log.warning("serving with fewer workers", extra={"missing": failed})
        elif must_give_up(lives, self._settings.supervisor.start_attempts_max):
            _log.error("no worker could start", extra={"attempts": lives[0].failures})
            self._exit_code = 1
            self._stop(now_s)

    def _retire(self, process: WorkerProcess, now_s: float) -> None:
        drain = self._settings.drain
        self._leaving[process] = now_s + (drain.delay_ms + drain.grace_ms) / 1e3 + KILL_MARGIN_S
        process.signal(signal.SIGTERM)

    def _signal_all(self, number: signal.Signals) -> None:
        for process in self._processes():
            process.signal(number)

    def _all_places(self) -> list[_Place]:
        return [*self._places, *([self._incoming] if self._incoming else ())]

    def _processes(self) -> Iterator[WorkerProcess]:
        yield from (place.process for place in self._all_places() if place.process)
        yield from self._leaving

    def _ready_sockets(self) -> Mapping[int, Path]:
        """Where the workers that are ready serve their pages; called by HTTP threads."""
        return {
            place.number: process.http_socket
            for place in self._places
            if place.life.is_ready and (process := place.process)
        }

    def _families(self) -> list[Family]:
        restarts = {place.number: float(place.restarts) for place in self._places}
        ready = {place.number: float(place.life.is_ready) for place in self._places}
        return [
            ("stubtail_worker_restarts", "counter", "Ends of a worker unasked.", restarts),
            ("stubtail_worker_ready", "gauge", "1 while the worker takes calls.", ready),
        ]
