"""The ways to measure: a schedule, a sweep of rates, and the scenarios of MLPerf Inference.

SingleStream is one call at a time and its 90th percentile. Server is the highest Poisson rate whose
99th percentile keeps a bound, with every call that was not answered counted as never answered.
Offline is rows a second with more calls in flight than the server can use. The scenarios and their
percentiles are those of the MLPerf Inference rules; the duration is yours to choose, MLPerf asks
for ten minutes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from stubtail_bench.arrangement import Arrangement
from stubtail_bench.crew import Samples, Target
from stubtail_bench.outcome import Outcome
from stubtail_bench.run import run_closed, run_open
from stubtail_bench.workload import Workload

_BACK_OFF = 0.05  # a rate that fails to be confirmed goes down by this part, as in MLPerf
_PROBES_MAX = 60


@dataclass(slots=True)
class Run:
    """One run and what it was asked to be.

    Attributes:
        name: In tables.
        offered_per_s: Calls a second of the schedule; None in a closed loop.
        streams: Calls in flight on each connection in a closed loop, else None.
        outcome: What came of it.
    """

    name: str
    offered_per_s: float | None
    streams: int | None
    outcome: Outcome

    def document(self) -> dict[str, Any]:
        """As it is kept in JSON."""
        head = {"name": self.name, "offered_per_s": self.offered_per_s, "streams": self.streams}
        return {**head, **self.outcome.document()}


@dataclass(slots=True)
class Bench:
    """A workload against a server, ready to be run in any mode.

    Attributes:
        target: What is sent where.
        workload: How it comes.
        traces: Folder of recorded traces.
        runs: All runs so far.
        samples: Some replies of all runs.
    """

    target: Target
    workload: Workload
    traces: Path
    runs: list[Run] = field(default_factory=list)
    samples: Samples = field(default_factory=list)

    def open(self, arrivals: Arrangement, name: str) -> Run:
        """One open run; each has other arrivals, drawn from the seed and its number."""
        workload = self.workload
        seed = [workload.seed, len(self.runs)]
        rng = np.random.default_rng(seed)
        due_s = arrivals.schedule(workload.seconds, workload.warm_up_s, rng, self.traces)
        measured = int((due_s >= workload.warm_up_s).sum())
        outcome, samples = run_open(
            self.target,
            due_s,
            warm_up_s=workload.warm_up_s,
            seconds=workload.seconds,
            seed=int(rng.integers(2**31)),
            title=name,
        )
        return self._keep(Run(name, measured / workload.seconds, None, outcome), samples)

    def closed(self, streams: int, name: str, *, connections: int | None = None) -> Run:
        """One closed run with `streams` calls in flight on each connection."""
        workload = self.workload
        target = self.target
        if connections is not None:
            target = replace(target, connections=connections, processes=1)
        outcome, samples = run_closed(
            target,
            streams=streams,
            warm_up_s=workload.warm_up_s,
            seconds=workload.seconds,
            seed=workload.seed,
            title=name,
        )
        return self._keep(Run(name, None, streams, outcome), samples)

    def _keep(self, run: Run, samples: Samples) -> Run:
        self.runs.append(run)
        self.samples += samples
        return run

    def rows_per_s(self, run: Run) -> float:
        """Rows answered in a second: the calls of each kind times its mean number of rows."""
        total = 0.0
        for kind in self.target.kinds:
            calls = run.outcome.merged(["OK", "OK, too late"], kind.name).count
            total += calls * float(np.mean(kind.rows))
        return total / run.outcome.seconds


@dataclass(frozen=True, slots=True)
class Found:
    """What a search for the highest rate found.

    Attributes:
        rate: The highest that held, also when it was asked again; 0 when none did.
        probes: Every (rate, held) in order.
    """

    rate: float
    probes: list[tuple[float, bool]]


def highest_rate(
    holds: Callable[[float], bool],
    *,
    first: float,
    tolerance: float = 0.05,
    confirmations: int = 2,
    most: float = 1e6,
) -> Found:
    """Searches the highest rate that holds: doubling, then bisection, then confirmation.

    One lucky run is no capacity: the rate found must hold `confirmations` times more, else it goes
    down by 5 % and must be confirmed again.

    Args:
        holds: Whether a rate keeps the bound, by a run of load.
        first: Where to begin, calls a second.
        tolerance: The bisection ends when the bounds are this close to each other.
        confirmations: How often the result must hold again in a row.
        most: No rate above this is tried.
    """
    probes: list[tuple[float, bool]] = []

    def probe(rate: float) -> bool:
        probes.append((rate, holds(rate)))
        return probes[-1][1]

    low, high = 0.0, math.inf
    rate = first
    while rate >= 1 and (low == 0 or high == math.inf) and len(probes) < _PROBES_MAX:
        if probe(rate):
            low = rate
            if high < math.inf or rate >= most:
                break
            rate = min(rate * 2, most)
        else:
            high = rate
            if low:
                break
            rate /= 2
    while low and high / low > 1 + tolerance and high < math.inf and len(probes) < _PROBES_MAX:
        middle = math.sqrt(low * high)
        if probe(middle):
            low = middle
        else:
            high = middle
    confirmed = 0
    while low >= 1 and confirmed < confirmations and len(probes) < _PROBES_MAX:
        if probe(low):
            confirmed += 1
        else:
            confirmed = 0
            low *= 1 - _BACK_OFF
    return Found(low if confirmed >= confirmations and low >= 1 else 0.0, probes)
