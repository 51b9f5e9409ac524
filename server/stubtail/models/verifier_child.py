"""One process that checks models, as the server sees it: starts, is asked, ends, and why."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from stubtail.models.confine import processor_s
from stubtail.models.errors import ModelError

REPLY_BYTES_MAX: Final = 4 * 1024 * 1024  # ten thousand tensors with long names
LAST_WORDS_MAX: Final = 2000  # of what a library printed before it aborted, for the log
START_SECONDS_MAX: Final = 60.0  # imports take half a second; a machine may be very busy
BUSY_PART: Final = 0.5  # of a limit: a check that had less of the processor was held up by others
NO_START: Final = "the checking process does not start"
# Signals that others send; a graph that breaks something ends by SIGSEGV, SIGFPE or SIGABRT.
_OF_OTHERS: Final = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
_MODULE: Final = "stubtail.models.verifier_process"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierOptions:
    """What checks may take."""

    seconds_max: float = 60.0  # half a gigabyte of graph takes some twenty
    memory_bytes: int = 2 * 1024**3  # besides a multiple of the graph's size
    idle_s: float = 5.0  # long enough for files that come one after the other
    environ: Mapping[str, str] = field(default_factory=dict)  # its whole environment: no secrets


class Child:
    """One process."""

    def __init__(self, options: VerifierOptions) -> None:
        # A file without a name: a pipe that nobody reads would stop the process when it is full.
        self._last_words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it ends
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, our module
                [sys.executable, "-P", "-m", _MODULE, str(options.idle_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._last_words,
                env={**options.environ, "PYTHONPATH": _python_path()},
                start_new_session=True,  # Ctrl-C is for the server
            )
        except OSError:
            self._last_words.close()
            raise
        self.has_begun = False  # to check what it was asked last
        self._greeted = False
        self._late = False
        self._killed = False  # by this process, for its nonsense
        self._used_s: float | None = None  # of the processor, by a check that was late
        # Collects it whenever it ends, so that no dead process is left to the system.
        self._waiter = threading.Thread(
            target=self._process.wait, name="stubtail-verifier", daemon=True
        )
        self._waiter.start()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer; None where the process ended, was ended for its time, or talks nonsense."""
        self.has_begun = False
        self._greeted = self._greeted or self._read(START_SECONDS_MAX) is not None
        if not self._greeted:
            return None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError:
            self._settle()
            return None
        before_s = processor_s(self._process.pid)
        self.has_begun = self._read(START_SECONDS_MAX) is not None
        reply = self._read(seconds) if self.has_begun else None
        if self._used_s is not None:
            self._used_s = None if before_s is None else self._used_s - before_s
        return reply

    @property
    def was_late(self) -> bool:
        """Whether it was ended for its time."""
        return self._late or _signal_name(-(self._process.poll() or 0)) == "SIGXCPU"

    @property
    def was_silent(self) -> bool:
        """Whether it was ended for its time without having begun."""
        return self._late and not self.has_begun

    def exit_code(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """Ends it now; whoever waits for its answer is told."""
        self._process.kill()

    def close(self) -> None:
        """Ends it, unless it has ended, and lets go of its pipes; nobody may be asking it."""
        self._process.kill()
        self._waiter.join()
        for pipe in (self._process.stdin, self._process.stdout, self._last_words):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def epitaph(self, where: str, seconds: float) -> ModelError:
        """Why a version that was being checked failed with the process."""
        code = self._process.wait()
        try:
            self._last_words.seek(0)
            detail = self._last_words.read()[-LAST_WORDS_MAX:].decode("utf-8", "replace")
        except (OSError, ValueError):
            detail = ""
        if not self.has_begun:
            return unchecked(where, NO_START, detail=detail)
        if self.was_late:
            problem = f"checking it took more than {seconds:g} s"
            mend = "serve a smaller graph, or raise supply.verify_ms_max"
            held_up = self._used_s is not None and self._used_s < BUSY_PART * seconds
            return ModelError(where, problem, mend, detail=detail, passing=held_up)
        name = _signal_name(-code)
        if name in _OF_OTHERS and not self._killed:
            problem = f"its check was ended from outside, by {name}"
            mend = "it is tried again; see whether the machine or the container is out of memory"
            return ModelError(where, problem, mend, detail=detail, passing=True)
        how = f"by {name}" if code < 0 else f"with exit code {code}"
        problem = f"loading or running it ends the process {how}"
        mend = "export it again; the log has what was printed last"
        return ModelError(where, problem, mend, detail=detail)

    def _read(self, seconds: float) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._end_late)
        timer.daemon = True
        timer.start()
        try:
            line = self._process.stdout.readline(REPLY_BYTES_MAX)
        except (OSError, ValueError):
            line = b""
        finally:
            timer.cancel()
        try:
            reply = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            reply = None
        if not isinstance(reply, dict):
            self._settle()
            return None
        return reply

    def _end_late(self) -> None:
        self._used_s = processor_s(self._process.pid)
        self._late = True
        self._process.kill()

    def _settle(self) -> None:
        """Waits for the end of a process that closed its pipe or talks nonsense."""
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._killed = True
            self._process.kill()
            self._process.wait()


def unchecked(where: str, reason: str, *, detail: str = "") -> ModelError:
    """A version about which nothing was found out: it may be good."""
    problem = f"it cannot be checked: {reason.lower()}"
    mend = "see what keeps the server from starting a process, or set supply.verify_in=server"
    return ModelError(where, problem, mend, detail=detail, passing=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _python_path() -> str:
    """Where this process finds modules, in its order: the other one shall find the same."""
    return os.pathsep.join(str(Path(entry or ".").absolute()) for entry in sys.path)
