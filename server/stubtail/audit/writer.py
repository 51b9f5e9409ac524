"""Writes records on a thread of its own: whoever notes one never waits for a disk."""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Any, Final

from stubtail.audit.chain import forge
from stubtail.audit.files import Files

log = logging.getLogger("stubtail.audit")

FLUSH_S: Final = 0.1  # records of so long are written at once
CLOSE_S: Final = 5.0  # a disk that takes longer than this at the end loses what is left
RETRY_S: Final = 1.0
HELD_BYTES_MAX: Final = 64 * 1024 * 1024  # of requests that records are made of, while they wait

Record = Callable[[], Mapping[str, Any]]


class Writer:
    """A bounded queue and the thread that empties it into files.

    Args:
        files: where the lines go.
        queue_max: records that wait at most.

    Attributes:
        lost: records that found no room.
    """

    def __init__(self, files: Files, queue_max: int) -> None:
        self._files = files
        self._queue_max = queue_max
        self._waiting: deque[tuple[Record, int]] = deque()
        self._held_bytes = 0
        self._lock = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self.lost = 0

    @property
    def has_room(self) -> bool:
        """Whether another record would be kept."""
        return len(self._waiting) < self._queue_max

    def start(self) -> None:
        """Opens the files; raises OSError where that cannot be done."""
        self._link = self._files.open()
        self._thread = Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def put(self, record: Record, held_bytes: int = 0, *, promised: bool = False) -> bool:
        """Keeps a record, which is made on the thread of what it holds; False without room.

        One that was promised is kept all the same: there was room when its act began, and what
        others noted meanwhile must not take it.
        """
        with self._lock:  # for a sum: nobody holds it while it makes or writes anything
            full = not self.has_room or self._held_bytes + held_bytes > HELD_BYTES_MAX
            if full and not promised:
                self.lost += 1
                return False
            self._held_bytes += held_bytes
        self._waiting.append((record, held_bytes))
        return True

    def _run(self) -> None:
        told = False
        while True:
            stopping = self._stop.wait(RETRY_S if told else FLUSH_S)
            try:
                self._write()
                told = False
            except OSError as error:
                if not told:
                    fields = {"problem": str(error)}
                    log.error("audit log cannot be written", extra=fields)  # noqa: TRY400 - no defect
                told = True
            if stopping:
                self._files.close()
                return

    def _write(self) -> None:
        """Appends what waits; what cannot be written stays and waits for the next try."""
        count = len(self._waiting)
        lost, link = self.lost, self._link
        lines = []
        for index in range(count):
            line, link = forge(self._made(self._waiting[index][0]), link)
            lines.append(line)
        if lost:
            line, link = forge({"event": "lost", "records": lost}, link)
            lines.append(line)
        if lines:
            self._files.append(b"".join(lines))
            self._link = link
            written_bytes = sum([self._waiting.popleft()[1] for _ in range(count)])
            with self._lock:
                self.lost -= lost
                self._held_bytes -= written_bytes

    def _made(self, record: Record) -> Mapping[str, Any]:
        try:
            return record()
        except Exception:  # whatever a record is made of, the chain goes on
            log.exception("audit record could not be made")
            return {"event": "defect"}
