"""Structured logs: one line per event of the life cycle, text for people, JSON for machines.

`logging.getLogger(__name__).info("model live", extra={"model": "churn", "version": "1"})` writes
one line. Calls are never logged: metrics count them. Writing happens on a thread of its own; when
that thread cannot keep up, lines are dropped and counted: the lane must not wait for a disk.
"""

import json
import logging
import queue
import sys
import threading
from copy import copy
from datetime import UTC, datetime
from typing import Final, TextIO

from stubtail.config import LogSettings
from stubtail.config.redaction import redact

VALUE_CHARACTERS_MAX: Final = 2000  # a caller's name of a model can end up in a line
TRACEBACK_CHARACTERS_MAX: Final = 16_000  # a deep recursion would fill the log
EVENT_COLUMN_CHARACTERS: Final = 28
CLOSE_TIMEOUT_S: Final = 2.0  # whoever reads the log may have stopped reading

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Logs:
    """The logs of this process, from `start` to `close`.

    Args:
        settings: level, form and bound of the queue.
        stream: where lines go; None takes the standard error of now.
        worker: the number of this worker process, added to every line; None where it is alone.
    """

    def __init__(
        self, settings: LogSettings, *, stream: TextIO | None = None, worker: int | None = None
    ) -> None:
        self._settings = settings
        self._stream = sys.stderr if stream is None else stream
        self._worker = worker
        self._lines: queue.Queue[logging.LogRecord | None] = queue.Queue(settings.queue_lines_max)
        self._entry = _Entry(self._lines)
        self._thread = threading.Thread(target=self._write, name="stubtail-logs", daemon=True)
        self._before: tuple[list[logging.Handler], int] = ([], logging.WARNING)

    @property
    def dropped(self) -> int:
        """Lines lost since the start, because writing could not keep up."""
        return self._entry.dropped

    def start(self) -> None:
        """Takes over the root logger; other libraries' lines count from WARNING on."""
        self._thread.start()
        root = logging.getLogger()
        self._before = (root.handlers[:], root.level)
        root.handlers[:] = [self._entry]
        root.setLevel(logging.WARNING)
        logging.getLogger("stubtail").setLevel(self._settings.level.upper())
        logging.captureWarnings(True)

    def close(self) -> None:
        """Writes what waits, for two seconds at most, and gives the root logger back."""
        logging.captureWarnings(False)
        root = logging.getLogger()
        root.handlers[:], level = self._before
        root.setLevel(level)
        try:
            self._lines.put(None, timeout=CLOSE_TIMEOUT_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_TIMEOUT_S)

    def _write(self) -> None:
        is_text = self._settings.format == "text" or (
            self._settings.format == "auto" and self._stream.isatty()
        )
        formatter = TextFormatter(self._worker) if is_text else JsonFormatter(self._worker)
        told = 0
        while (record := self._lines.get()) is not None:
            try:
                # All of it, on this thread: whatever was logged by whomever.
                self._write_line(redact(formatter.format(record)))
            except Exception:  # noqa: BLE001  # a value that cannot be shown must not end the log
                self._entry.dropped += 1
            if self._entry.dropped > told:
                told, count = self._entry.dropped, self._entry.dropped - told
                self._write_line(formatter.format(_dropped_record(count)))

    def _write_line(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the reader has gone or the stream is closed: serve on
            self._entry.dropped += 1


class TextFormatter(logging.Formatter):
    """Lines for a terminal: time, level, event in a column, then key=value."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback follows in lines that start with a bar."""
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        pairs = [f"{key}={_plain(value)}" for key, value in _fields(record, self._worker).items()]
        event = _escaped(record.getMessage())
        line = f"{time} {record.levelname:<7} {event:<{EVENT_COLUMN_CHARACTERS}}"
        line = f"{line} {' '.join(pairs)}".rstrip()
        bars = [f"  | {_escaped(part)}" for part in _traceback(record).splitlines()]
        return "\n".join([line, *bars])


class JsonFormatter(logging.Formatter):
    """Lines for machines: one JSON object each, with time (RFC 3339), level, event and logger."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document: dict[str, object] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": _cut(record.getMessage()),
            "logger": record.name,
        }
        for key, value in _fields(record, self._worker).items():
            document.setdefault(key, _cut(value) if isinstance(value, str) else value)
        if traceback := _traceback(record):
            document["traceback"] = traceback
        return json.dumps(document, default=lambda value: _cut(str(value)))


class _Entry(logging.Handler):
    """Where loggers leave their lines: takes no lock of its own and never waits."""

    def __init__(self, lines: queue.Queue[logging.LogRecord | None]) -> None:
        super().__init__()
        self._lines = lines
        self.dropped = 0

    def createLock(self) -> None:  # noqa: N802  # the name is logging's
        """The queue has a lock already."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Leaves the line; what it refers to may change later, so it is made text now."""
        try:
            record = copy(record)
            record.msg, record.args = record.getMessage(), None
            if record.exc_info:
                record.exc_text = logging.Formatter().formatException(record.exc_info)
                record.exc_info = None  # it would keep every frame's variables alive
            self._lines.put_nowait(record)
        except queue.Full:
            self.dropped += 1
        except Exception:  # noqa: BLE001  # a wrong log line must not fail what it tells of
            self.handleError(record)


def _fields(record: logging.LogRecord, worker: int | None) -> dict[str, object]:
    """What `extra` gave, and the number of the worker."""
    fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    if worker is not None:
        fields["worker"] = worker
    return fields


def _traceback(record: logging.LogRecord) -> str:
    return (record.exc_text or "")[-TRACEBACK_CHARACTERS_MAX:]


def _dropped_record(count: int) -> logging.LogRecord:
    record = logging.LogRecord(
        __name__, logging.WARNING, __file__, 0, "log lines dropped", (), None
    )
    record.count = count
    return record


def _plain(value: object) -> str:
    """A value after `key=`: quoted when it would not read as one word."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = _cut(str(value))
    is_word = text.isprintable() and not any(sign in text for sign in ' "=\\')
    return text if is_word and text else f'"{_escaped(text, quoted=True)}"'


def _escaped(text: str, *, quoted: bool = False) -> str:
    r"""Text in which nothing starts a new line or steers a terminal: such signs become \n, \x1b."""
    parts = []
    for sign in _cut(text):
        if quoted and sign in '"\\':
            parts.append(f"\\{sign}")
        elif sign.isprintable():
            parts.append(sign)
        else:
            parts.append(sign.encode("unicode_escape").decode("ascii"))
    return "".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[:VALUE_CHARACTERS_MAX] + "..."
