"""Notes what the lane did: one tuple per batch on the hot path, added up in numpy later.

The notes are folded into counters and histograms every few hundred batches and at each scrape.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from stubtail.metrics.series import (
    LAG_EDGES_S,
    TOTAL,
    BatchNote,
    Histogram,
    ModelSnapshot,
    PhaseTimes,
    Series,
)
from stubtail.models.status import VersionStatus

OTHER: Final = "other"  # the pair that takes what is beyond the bound
UNKNOWN: Final = "unknown"  # a caller's wrong name must not become a label
BATCHES_FOLDED_MAX: Final = 256  # one fold holds the lane: about half a microsecond per call in it
CALLS_FOLDED_MAX: Final = 1024
PENDING_MAX: Final = 65_536  # notes wait while a scrape reads; beyond this the oldest are lost

Result = TypeVar("Result")


class CountedJob(Protocol):
    """What a job must tell; times are seconds of the recorder's clock."""

    arrived_s: float
    decoded_s: float
    priority: int


class RefusalNote(NamedTuple):
    """Calls that never reached a model, refused together for one reason."""

    model: str
    version: str
    status: int
    reason: str
    priorities: Sequence[int]
    totals_s: Sequence[float]


class ModelInfo(NamedTuple):
    """What /metrics tells of one version of a model."""

    model: str
    version: str
    kind: str
    state: str
    live: bool
    sha256: str

    @classmethod
    def of(cls, status: VersionStatus) -> Self:
        """What a scrape tells of this version."""
        model = status.model
        kind = model.manifest.kind if model and model.manifest else ""
        state = status.state.value.lower()
        sha256 = model.sha256 if model else ""
        return cls(status.name, status.version, kind, state, status.live, sha256)


class Recorder:
    """What the lane calls after each batch, and what a scrape reads.

    Args:
        series_max: most (model, version) pairs; the rest is counted as "other".
        clock: monotonic seconds, the same that jobs are stamped with.
    """

    def __init__(self, series_max: int = 512, clock: Callable[[], float] = time.monotonic) -> None:
        self.queue_jobs: Callable[[], Sequence[int]] = lambda: (0, 0, 0, 0)
        self.models: Collection[ModelInfo] = ()
        self.refusals: dict[str, int] = {}  # by reason
        self.lost_notes = 0
        self.loop_lag = Histogram(LAG_EDGES_S)
        self._lags: deque[float] = deque(maxlen=PENDING_MAX)
        self._series_max = series_max
        self._clock = clock
        self._series: dict[tuple[str, str], Series] = {}
        self._batches: deque[BatchNote] = deque()
        self._refusals: deque[RefusalNote] = deque()
        self._calls_pending = 0
        self._refusals_pending = 0
        self._lock = threading.Lock()  # for folding; the hot path never waits for it

    def record_batch(
        self,
        model: str,
        version: str,
        status: int,
        jobs: Sequence[CountedJob],
        rows: int,
        started_s: float,
        ran_s: float,
        encoded_s: float,
        predicted_s: float,
    ) -> None:
        """Notes a batch that ran; any thread.

        Args:
            model: the name of the model that ran.
            version: its version.
            status: gRPC status code that all jobs of the batch got.
            jobs: the batch; only their times and priorities (0 to 3) are kept.
            rows: rows of the batch.
            started_s: when the run started; decoded_s to here is the time in the queue.
            ran_s: when the run ended.
            encoded_s: when the last reply was handed to the transport.
            predicted_s: how long the latency model said that the run would take.
        """
        self._batches.append(
            (
                (model, version, status),
                rows,
                started_s,
                ran_s,
                encoded_s,
                predicted_s,
                [job.arrived_s for job in jobs],
                [job.decoded_s for job in jobs],
                bytes([job.priority for job in jobs]),
            )
        )
        self._calls_pending += len(jobs)
        if self._calls_pending >= CALLS_FOLDED_MAX or len(self._batches) >= BATCHES_FOLDED_MAX:
            self._fold_if_free()

    def record_refusal(
        self,
        model: str,
        version: str,
        priority: int,
        status: int,
        total_s: float,
        reason: str = "",
    ) -> None:
        """Notes a call that was answered without a run; any thread. See `record_refusals`."""
        self.record_refusals(model, version, status, reason, (priority,), (total_s,))

    def record_refusals(
        self,
        model: str,
        version: str,
        status: int,
        reason: str,
        priorities: Sequence[int],
        totals_s: Sequence[float],
    ) -> None:
        """Notes calls that were answered together without a run; any thread.

        Args:
            model: as the callers named it; a name that is no model's is counted as "unknown".
            version: as far as it is known, else "".
            status: gRPC status code.
            reason: ErrorInfo.reason, an enum; never free text.
            priorities: of each call, 0 to 3.
            totals_s: of each call from its arrival to the answer.
        """
        self._refusals.append(RefusalNote(model, version, status, reason, priorities, totals_s))
        self._refusals_pending += len(priorities)
        if self._refusals_pending >= CALLS_FOLDED_MAX:
            self._fold_if_free()

    def record_loop_lag(self, lag_s: float) -> None:
        """Notes how late the event loop woke."""
        self._lags.append(max(0.0, lag_s))  # folded later: the loop must not wait for a scrape

    def snapshot(self, model: str, version: str) -> ModelSnapshot:
        """What one version did since the start; zeros when nothing is known of it."""
        with self._lock:
            self._fold()
            series = self._series.get((model, version))
            if series is None:
                return ModelSnapshot()
            return series.snapshot(time.time() - self._clock())

    def calls_answered(self) -> int:
        """How many calls were answered with OK since the start."""
        with self._lock:
            self._fold()
            times = [series.times.get(0) for series in self._series.values()]
            return sum(int(one.counts[TOTAL].sum()) for one in times if one is not None)

    def read(self, visit: Callable[[Mapping[tuple[str, str], Series]], Result]) -> Result:
        """Calls `visit` with everything by (model, version); nothing is folded meanwhile."""
        with self._lock:
            self._fold()
            return visit(self._series)

    def _fold_if_free(self) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._lock.release()
        elif len(self._batches) > PENDING_MAX or len(self._refusals) > PENDING_MAX:
            (self._batches if len(self._batches) > PENDING_MAX else self._refusals).popleft()
            self.lost_notes += 1

    def _fold(self) -> None:
        # Popping one by one loses nothing while other threads append: each step is atomic.
        self._calls_pending = 0
        if self._lags:
            self.loop_lag.add(np.array([self._lags.popleft() for _ in range(len(self._lags))]))
        groups: dict[tuple[str, str, int], list[BatchNote]] = {}
        for _ in range(len(self._batches)):
            note = self._batches.popleft()
            groups.setdefault(note[0], []).append(note)
        for (model, version, status), notes in groups.items():
            self._series_of(model, version).add_batches(status, notes)
        self._refusals_pending = 0
        refused: dict[tuple[str, str, int], tuple[list[int], list[float]]] = {}
        for _ in range(len(self._refusals)):
            refusal = self._refusals.popleft()
            priorities, totals_s = refused.setdefault(refusal[:3], ([], []))
            priorities += refusal.priorities
            totals_s += refusal.totals_s
            if refusal.reason:
                known = self.refusals.get(refusal.reason, 0)
                self.refusals[refusal.reason] = known + len(refusal.priorities)
        for (model, version, status), (priorities, totals_s) in refused.items():
            times = self._series_of(*self._known(model, version)).times
            added = times.setdefault(status, PhaseTimes())
            added.add(TOTAL, np.array(priorities) & 3, np.array(totals_s))

    def _series_of(self, model: str, version: str) -> Series:
        key = (model, version)
        series = self._series.get(key)
        if series is not None:
            return series
        if len(self._series) >= self._series_max:
            self._forget_retired()
        if len(self._series) >= self._series_max and key != (UNKNOWN, ""):
            key = (OTHER, "")
        return self._series.setdefault(key, Series())

    def _forget_retired(self) -> None:
        """Drops versions that are no longer served: a hundred reloads must not fill the bound."""
        served = {(info.model, info.version) for info in self.models}
        kept = {(OTHER, ""), (UNKNOWN, "")}
        if served:
            for key in [key for key in self._series if key not in served | kept]:
                del self._series[key]

    def _known(self, model: str, version: str) -> tuple[str, str]:
        """The labels of a refused call, whose name and version a caller may have made up."""
        versions = {info.version for info in self.models if info.model == model}
        if not versions:
            return (UNKNOWN, "")
        return (model, version if version in versions else "")
