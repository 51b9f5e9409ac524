"""What a run of load came to: every measured call by kind, outcome and window of time."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stubtail_bench.histogram import Histogram, quantiles_s, sparse
from stubtail_bench.http2 import OK
from stubtail_bench.raw import GIVEN_UP, LOST, Raw
from stubtail_bench.traffic import Kind

LATE = "OK, too late"
SLOW_READERS = "slow readers"
_ROUNDING_S = 1e-7  # of a time on a clock that counts from the start of the machine
_WINDOW_S, _WINDOWS_MIN, _WINDOWS_MAX = 0.25, 20, 120
LAG_MAX_S = (
    1e-3  # a generator that is later than this for 1 % of the calls is a part of the figures
)


def windows_of(seconds: float) -> int:
    """Into how many windows a run is cut: enough to compare runs, few enough to keep."""
    return min(max(round(seconds / _WINDOW_S), _WINDOWS_MIN), _WINDOWS_MAX)


@dataclass(slots=True)
class Outcome:
    """The figures of one run, of one process or of several added.

    Attributes:
        seconds: Of the measured part.
        by: Latencies of each (kind, outcome), by window of the time when a call was due. The
            outcome is `OK`, `OK, too late`, a gRPC status, or a word of `engine`.
        warm_up: Calls before the measured part, by outcome.
        lag: How late the generator handed calls to their connections.
        messages: The first text that came with each status.
        issued: Calls of the measured part.
        retried, reconnects: As the engine counted them.
        cpu_s: Processor time of the generator, all its processes.
        client_busy: Processor time of the busiest process of the generator, as a part of a core.
    """

    seconds: float
    by: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    warm_up: Counter[str] = field(default_factory=Counter)
    lag: Histogram = field(default_factory=Histogram)
    messages: dict[str, str] = field(default_factory=dict)
    issued: int = 0
    retried: int = 0
    reconnects: int = 0
    client_busy: float = 0.0
    cpu_s: float = 0.0

    @property
    def cpu_us_a_call(self) -> float:
        """Processor time of the generator for each call, warm-up included."""
        return self.cpu_s / max(1, self.issued + self.warm_up.total()) * 1e6

    def merge(self, other: "Outcome") -> "Outcome":
        """Adds what another process of the same run saw."""
        for key, histogram in other.by.items():
            if key in self.by:
                self.by[key].merge(histogram)
            else:
                self.by[key] = histogram
        self.warm_up += other.warm_up
        self.lag.merge(other.lag)
        self.messages = {**other.messages, **self.messages}
        self.issued += other.issued
        self.retried += other.retried
        self.reconnects += other.reconnects
        self.client_busy = max(self.client_busy, other.client_busy)
        self.cpu_s += other.cpu_s
        return self

    @property
    def statuses(self) -> Counter[str]:
        """Measured calls by outcome; together exactly those issued."""
        found: Counter[str] = Counter()
        for (_, status), histogram in self.by.items():
            found[status] += histogram.count
        return found

    @property
    def windows(self) -> int:
        """Into how many windows the run is cut."""
        return windows_of(self.seconds)

    def merged(self, statuses: Sequence[str], kind: str | None = None) -> Histogram:
        """The latencies of some outcomes, of one kind or of all that are no slow readers."""
        total = Histogram(self.windows)
        for (name, status), histogram in self.by.items():
            mine = name == kind if kind is not None else not name.endswith(SLOW_READERS)
            if status in statuses and mine:
                total.merge(histogram)
        return total

    @property
    def answered(self) -> Histogram:
        """Latencies of all answers, late ones included."""
        return self.merged([OK, LATE])

    @property
    def good_per_s(self) -> float:
        """Goodput: answers in time a second."""
        return self.statuses[OK] / self.seconds

    def strict_quantile_s(self, part: float, kind: str | None = None) -> float:
        """As if every call without an answer had taken for ever: what a bound is held against.

        Calls that the client gave up by its own will are left out. Of one kind, or of all.
        """
        counts = self.merged([OK, LATE], kind).counts.sum(axis=0)
        every = self.merged([status for status in self.statuses if status != GIVEN_UP], kind).count
        if not every or counts.sum() < part * every:
            return math.inf
        return float(quantiles_s(counts, [min(1.0, part * every / counts.sum())])[0])

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        kinds = sorted({kind for kind, _ in self.by})
        by_window = {
            status: self.merged([status]).counts.sum(axis=1).tolist() for status in self.statuses
        }
        return {
            "seconds": self.seconds,
            "issued": self.issued,
            "statuses": dict(self.statuses.most_common()),
            "lost": self.statuses[LOST],
            "warm_up": dict(self.warm_up),
            "good_per_s": round(self.good_per_s, 3),
            "messages": self.messages,
            "retried": self.retried,
            "reconnects": self.reconnects,
            "client_busy": round(self.client_busy, 3),
            "client_cpu_us_a_call": round(self.cpu_us_a_call, 2),
            "generator_lag": self.lag.document(),
            "answered": self.answered.document(),
            "p99_of_all_ms": _finite_ms(self.strict_quantile_s(0.99)),
            "by_kind": {
                kind: {
                    status: histogram.document()
                    for (name, status), histogram in sorted(self.by.items())
                    if name == kind
                }
                for kind in kinds
            },
            "windows": {
                "seconds": self.seconds / self.windows,
                "calls": by_window,
                "answered": [sparse(counts) for counts in self.answered.counts],
            },
        }


def _finite_ms(seconds: float) -> float | None:
    """Milliseconds; None for never."""
    return round(seconds * 1e3, 4) if math.isfinite(seconds) else None


def outcome_of(raw: Raw, kinds: Sequence[Kind], measured_from_s: float, seconds: float) -> Outcome:
    """Sorts the logs of one process into histograms.

    Args:
        raw: What it saw.
        kinds: Of its traffic.
        measured_from_s: Calls due earlier in the run were the warm-up.
        seconds: Of the part after it.
    """
    found = Outcome(
        seconds,
        messages=dict(raw.messages),
        retried=raw.retried,
        reconnects=raw.reconnects,
        client_busy=raw.cpu_s / raw.seconds if raw.seconds else 0.0,
        cpu_s=raw.cpu_s,
    )
    windows = windows_of(seconds)
    names = [kind.name for kind in kinds]
    names += [f"{kind.name}, {SLOW_READERS}" for kind in kinds]
    deadlines = np.array([kind.deadline_s or math.inf for kind in kinds] * 2)
    warm_ups = 0
    for status, log in raw.logs.items():
        due_s, ended_s, kind_of = np.frombuffer(log, np.float64).reshape(-1, 3).T
        since_s = due_s - raw.start - measured_from_s
        measured = since_s >= -_ROUNDING_S
        warm_ups += int((~measured).sum())
        if not measured.all():
            found.warm_up[status] += int((~measured).sum())
        latency_s = ended_s - due_s
        window = np.minimum((since_s / seconds * windows).astype(np.int64), windows - 1)
        late = latency_s > deadlines[kind_of.astype(np.int64)] if status == OK else ~measured
        for number, name in enumerate(names):
            mine = measured & (kind_of == number)
            for said, chosen in ((status, mine & ~late), (LATE, mine & late)):
                if chosen.any():
                    histogram = found.by.setdefault((name, said), Histogram(windows))
                    histogram.add(latency_s[chosen], window[chosen])
    found.issued = raw.issued - warm_ups
    found.lag.add(np.frombuffer(raw.lags, np.float64)[warm_ups:])
    return found
