"""The waiting jobs of one model version that may share a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stubtail.lane.priority import PRIORITIES

if TYPE_CHECKING:
    from stubtail.lane.job import Job
    from stubtail.lane.latency import LatencyModel
    from stubtail.lane.tenant import Tenant


class ModelQueue:
    """Jobs that can be joined into one run: same version, same types, same inner shape.

    Args:
        model: what runs them; has `run(feeds)`.
        latency: predicts and learns its run time.
        solo: jobs never share a run (the graph has a fixed first dimension).
        pooled: run by the pool of threads, because a run takes long.
        apart: pooled, but by threads of its own: its runs wait for other processes, and would
            hold the threads that models compute in.

    Attributes:
        waiting: for each priority the waiting jobs, ordered by their virtual deadline.
        cost_s: for each priority the predicted seconds of the rows of its waiting jobs.
        start_s: for each priority, where it stands in fair time: the time that it got, not less
            than what the others had when it began to wait.
        rows_waiting, bytes_waiting: the rows and the bytes of all of them.
        tenant: whose all waiting jobs are; None where they are several's or nobody's.
        postponed: a waiting job may expire before it is due, for what its tenant has waiting.
        alone_until_s: jobs share no run until then, because a run of several has just failed.
        silent_until_s: failures are counted until then, as one has just been logged.
        untold: so many of them.
        probe_s: from this moment a job may run although its run is expected to take too long; 0
            until one was refused.
    """

    __slots__ = (
        "alone_until_s",
        "apart",
        "bytes_waiting",
        "cost_s",
        "latency",
        "model",
        "pooled",
        "postponed",
        "probe_s",
        "rows_waiting",
        "silent_until_s",
        "solo",
        "start_s",
        "tenant",
        "untold",
        "waiting",
    )

    def __init__(
        self,
        model: Any,
        latency: LatencyModel,
        *,
        solo: bool = False,
        pooled: bool = False,
        apart: bool = False,
    ) -> None:
        self.model = model
        self.latency = latency
        self.solo = solo
        self.pooled = pooled or apart
        self.apart = apart
        self.alone_until_s = 0.0
        self.silent_until_s = 0.0
        self.untold = 0
        self.probe_s = 0.0
        self.start_s = [0.0] * len(PRIORITIES)
        self.tenant: Tenant | None = None
        self.waiting: list[list[Job]] = [[] for _ in PRIORITIES]
        self.reset()

    def work_s(self, run_s_max: float) -> float:
        """Expected time to run everything that waits, in batches of about `run_s_max` seconds.

        Counted in batches: while all of them have the same size, the runs do not tell which part
        of their time is fixed and which grows with the rows, but they do tell the sum.
        """
        fixed_s, per_row_s = self.latency.fixed_s, self.latency.per_row_s
        rows = self.rows_waiting
        if self.solo:
            batches = float(sum(map(len, self.waiting)))
        else:
            batches = rows * per_row_s / max(run_s_max - fixed_s, fixed_s, per_row_s)
        return max(batches, 1.0) * fixed_s + rows * per_row_s

    def reset(self) -> None:
        """Sets the sums of an empty queue, and so forgets their rounding errors."""
        self.cost_s = [0.0] * len(PRIORITIES)
        self.rows_waiting = 0
        self.bytes_waiting = 0
        self.postponed = False
