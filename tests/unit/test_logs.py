"""Tests of the logs: the form of lines, what cannot be smuggled in, and what happens when full."""

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stubtail.config import LogSettings
from stubtail.logs import VALUE_CHARACTERS_MAX, Logs

log = logging.getLogger("stubtail.test")


class Terminal(io.StringIO):
    """A stream at which a person looks."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Gate(io.StringIO):
    """A stream whose reader does not read until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        """Waits until it is opened."""
        self.reached.set()
        self.opened.wait(10)
        return super().write(text)


@contextmanager
def logs_to(stream: io.StringIO, *, worker: int | None = None, **settings) -> Iterator[None]:
    """Logging that goes to the stream while entered."""
    logs = Logs(LogSettings(**settings), stream=stream, worker=worker)
    logs.start()
    try:
        yield
    finally:
        logs.close()


def json_lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines as objects."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_where_no_person_reads():
    """Format auto is JSON on a pipe: event, fields, level, logger, and UTC time with Z."""
    stream = io.StringIO()
    with logs_to(stream, worker=3):
        log.info("model live", extra={"model": "churn", "took_ms": 1.5, "live": True})

    (line,) = json_lines(stream)
    time = line.pop("time")
    assert time.endswith("Z")
    assert len(time) == 24
    assert line == {
        "level": "info",
        "event": "model live",
        "logger": "stubtail.test",
        "model": "churn",
        "took_ms": 1.5,
        "live": True,
        "worker": 3,
    }


def test_text_on_a_terminal():
    """Format auto is text on a terminal: the event in a column, then key=value."""
    stream = Terminal()
    with logs_to(stream):
        log.warning("model refused", extra={"model": "churn", "reason": "no such file"})

    (line,) = stream.getvalue().splitlines()
    assert line[13:] == 'WARNING model refused                model=churn reason="no such file"'


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_smuggles_in_a_line(form):
    """Line ends, terminal escapes and separators in names stay inside their line."""
    evil = "a\nINFO forged\r\x1b[2J\u2028\x85\ud800"
    stream = io.StringIO()
    with logs_to(stream, format=form):
        log.info("event %s", evil, extra={"model": evil})

    assert len(stream.getvalue().splitlines()) == 1
    assert not set(stream.getvalue()[:-1]) & set("\n\r\x1b\u2028\x85")


def test_traceback_is_marked():
    """In text a traceback stands behind bars, so that it cannot pass for lines of the log."""
    stream = Terminal()
    with logs_to(stream):
        try:
            int("bad\n12:00:00 INFO forged")
        except ValueError:
            log.exception("load failed")

    first, *rest = stream.getvalue().splitlines()
    assert first.endswith("load failed")
    assert rest
    assert all(line.startswith("  | ") for line in rest)


def test_json_has_the_traceback():
    """In JSON a traceback is a string."""
    stream = io.StringIO()
    with logs_to(stream):
        try:
            int("bad")
        except ValueError:
            log.exception("load failed")

    assert json_lines(stream)[0]["traceback"].endswith("base 10: 'bad'")


def test_values_are_cut():
    """A caller's name of a megabyte costs a line of two kilobytes."""
    stream = io.StringIO()
    with logs_to(stream):
        log.info("x", extra={"model": "a" * 1_000_000, "thing": ["b" * 3]})

    assert json_lines(stream)[0]["model"] == "a" * VALUE_CHARACTERS_MAX + "..."


def test_level_counts_for_the_server_only():
    """Level debug shows the server's own lines; other libraries still start at warning."""
    stream = io.StringIO()
    with warnings.catch_warnings(), logs_to(stream, level="debug"):
        warnings.simplefilter("default")
        log.debug("ours")
        logging.getLogger("watchfiles.main").info("theirs")
        warnings.warn("noted", stacklevel=1)

    ours, warning = json_lines(stream)
    assert ours["event"] == "ours"
    assert "noted" in warning["event"]


def test_full_queue_drops_counts_and_tells():
    """A log that cannot write holds nobody up: lines are dropped, counted, and told afterwards."""
    stream = Gate()
    logs = Logs(LogSettings(queue_lines_max=16, format="json"), stream=stream)
    logs.start()
    log.info("first")
    assert stream.reached.wait(10)
    for number in range(20):
        log.info("line", extra={"number": number})
    dropped = logs.dropped
    stream.opened.set()
    logs.close()

    assert dropped == 4
    lines = json_lines(stream)
    assert [line.get("number") for line in lines if line["event"] == "line"] == list(range(16))
    assert lines[1]["event"] == "log lines dropped"
    assert lines[1]["count"] == 4


def test_unshowable_value_costs_its_line_only():
    """A value whose text fails loses its line; the next one is written."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    stream = io.StringIO()
    with logs_to(stream):
        log.info("bad", extra={"value": Broken()})
        log.info("good")

    assert [line["event"] for line in json_lines(stream)] == ["log lines dropped", "good"]


def test_closed_stream_is_survived():
    """When the reader has gone, logging goes on without it."""
    stream = io.StringIO()
    logs = Logs(LogSettings(), stream=stream)
    logs.start()
    stream.close()
    log.info("nobody reads")
    logs.close()


def test_close_gives_the_root_logger_back():
    """After `close` logging is as before `start`."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)

    with logs_to(io.StringIO()):
        assert root.handlers != before[0]

    assert (root.handlers, root.level) == before
