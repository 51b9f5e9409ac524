"""The line that tells how a run is going, on a terminal only."""

import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from stubtail_bench.figures import digits
from stubtail_bench.http2 import OK
from stubtail_bench.raw import Raw

_RECENT = 2_000  # calls, for the p99 of the line


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What one process has seen so far: calls issued, ended and answered; p99 of the latest."""

    issued: int
    ended: int
    answered: int
    recent_p99_s: float


Show = Callable[[int, Glimpse], None]
"""Takes the number of a process and what it has seen so far."""


def glimpse(raw: Raw) -> Glimpse:
    """What there is so far; it takes some tens of microseconds."""
    log = raw.logs.get(OK)
    if not log:
        return Glimpse(raw.issued, raw.ended, 0, float("nan"))
    due_s, ended_s, _ = np.array(log[-3 * _RECENT :]).reshape(-1, 3).T
    took_s = np.sort(ended_s - due_s)
    # By hand: the first np.quantile of a process takes 10 ms, and calls that are due wait for it.
    p99 = float(took_s[math.ceil(0.99 * len(took_s)) - 1])
    return Glimpse(raw.issued, raw.ended, len(log) // 3, p99)


class Progress:
    """Rewrites one line; says nothing where nobody looks.

    Args:
        title: Of the run, at the begin of the line.
        out: Where to; the line is left out unless it is a terminal.
    """

    def __init__(self, title: str, out: TextIO | None = None) -> None:
        self._title = title
        self._out = out or sys.stderr
        self._seen: dict[int, Glimpse] = {}
        self._on = self._out.isatty()

    def show(self, number: int, seen: Glimpse) -> None:
        """Takes what process `number` has seen, and writes the line."""
        if not self._on:
            return
        self._seen[number] = seen
        total: Counter[str] = Counter()
        for one in self._seen.values():
            total.update(sent=one.issued, answered=one.answered, failed=one.ended - one.answered)
            total.update(waiting=one.issued - one.ended)
        p99 = max(one.recent_p99_s for one in self._seen.values()) * 1e3
        line = "  ".join(f"{count:,} {word}" for word, count in total.items())
        self._out.write(f"\r\x1b[K{self._title}: {line}  p99 {digits(p99)} ms")
        self._out.flush()

    def done(self) -> None:
        """Clears the line."""
        if self._on:
            self._out.write("\r\x1b[K")
            self._out.flush()
