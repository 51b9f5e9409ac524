"""The server's side of the process that checks models: starts it, asks it, survives it.

A graph is checked, loaded and run there first, with bounds on memory and time. A crash, a memory
bomb or an endless loop costs that process and fails that version; the server goes on and starts
another one for the next. The process ends by itself when there is nothing to check.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stubtail.models.errors import CutShortError, ModelError
from stubtail.models.verifier_child import NO_START, Child, VerifierOptions, unchecked

__all__ = ["Verifier", "VerifierOptions"]

if TYPE_CHECKING:  # numpy and onnxruntime: this module starts the process before they are loaded
    from stubtail.models.proof import Proof
    from stubtail.models.session import SessionOptions

SHUTTING_DOWN: Final = "the server is shutting down"
ATTEMPTS: Final = 2  # the process may end for want of work just when it is asked again
SILENT_S: Final = 10.0  # after one that said nothing, versions that wait are refused at once


class Verifier:
    """Checks versions, one at a time, in a process of its own; from `start` to `close`.

    Args:
        options: bounds.
        clock: monotonic seconds.
    """

    def __init__(
        self, options: VerifierOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._clock = clock
        self._silent_until_s = 0.0  # one look of the repository shall wait for one silence only
        self._child: Child | None = None
        self._closed = False
        self._lock = threading.Lock()  # of the two fields above
        self._asking = threading.Lock()

    def start(self) -> None:
        """Starts the process ahead of the first check; failing to is told by that check."""
        with contextlib.suppress(ModelError):
            self._running("")

    def close(self) -> None:
        """Ends the process; a check in progress fails. Any thread may call this."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            child.kill()
            with self._asking:
                child.close()

    def verify(
        self,
        path: Path,
        name: str,
        version: str,
        /,
        *,
        options: "SessionOptions",
        inside: Path,
        patience_s: float | None = None,
    ) -> "Proof":
        """Checks a version; blocks for milliseconds to `seconds_max`, or `patience_s` if less.

        Raises:
            CutShortError: it was ended after `patience_s`.
            ModelError: it must not be served, it ended the process or took too much, or there is
                no process (`passing` is true then: the version itself may be good).
        """
        where = f"{name}/{version}"
        seconds = min(self._options.seconds_max, patience_s or self._options.seconds_max)
        request = {
            "path": str(path.absolute()),
            "inside": str(inside.absolute()),
            "name": name,
            "version": version,
            "options": asdict(options),
            "memory_bytes": self._options.memory_bytes,
            "seconds": seconds,
        }
        with self._asking:
            if self._clock() < self._silent_until_s:
                raise unchecked(where, NO_START)
            for _ in range(ATTEMPTS):
                child = self._running(where)
                reply = child.ask(request, seconds)
                if reply is not None:
                    return _proof(reply, where)
                if self._closed:
                    raise unchecked(where, SHUTTING_DOWN)
                if child.was_silent:
                    self._silent_until_s = self._clock() + SILENT_S
                if child.has_begun or child.was_silent:
                    break
            if child.was_late and child.has_begun and seconds < self._options.seconds_max:
                raise CutShortError(where, f"checking it takes more than {seconds:g} s", "wait")
            raise child.epitaph(where, seconds)

    def _running(self, where: str) -> "Child":
        with self._lock:
            if self._closed:
                raise unchecked(where, SHUTTING_DOWN)
            if self._child is not None and self._child.exit_code() is not None:
                self._child.close()
                self._child = None
            if self._child is None:
                try:
                    self._child = Child(self._options)
                except OSError as error:
                    raise unchecked(where, error.strerror or str(error)) from error
            return self._child


def _proof(reply: dict[str, Any], where: str) -> "Proof":
    from stubtail.models.proof import Proof  # noqa: PLC0415  # see TYPE_CHECKING above

    try:
        if "refused" in reply:
            told, problem, mend, detail, passing = reply["refused"]
            raise ModelError(
                str(told), str(problem), str(mend), detail=str(detail), passing=passing is True
            )
        return Proof.read(reply["proof"])
    except (LookupError, TypeError, ValueError) as error:
        raise unchecked(where, "the checking process gave no answer") from error
