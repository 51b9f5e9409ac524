"""Several floods on one lane in simulated time: who is served, how late, and who is refused.

The lane is simulated with what it costs: each arrival takes its time, admitted or not, runs differ
from their predictions, and an answer needs a while to get back to its caller.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from stubtail.lane.executor import Batch
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.priority import NORMAL
from stubtail.lane.scheduler import Scheduler

ARRIVAL_S = 10e-6  # to receive, decode and admit or refuse a call
FIXED_S = 20e-6  # of each run
BACK_S = 2e-3  # an answer's way to its caller, on a busy machine
LEARNING_S = 1.0  # what comes in the first second is not counted: the models are being learned


@dataclass
class Flow:
    """Calls of one model and class that come at a rate of their own.

    Attributes:
        model: flows of one model share a queue.
        run_s: what a call takes.
        rate: calls a second.
        deadline_s: of each call.
        priority: its class.
        expected: the run time that the server begins with, as a part of the real one.
        offered, in_time, late, refused, expired: counts.
        waits_s: from arrival to the end of the run.
    """

    model: str
    run_s: float
    rate: float
    deadline_s: float = 0.1
    priority: int = NORMAL
    expected: float = 1.0
    offered: int = 0
    in_time: int = 0
    late: int = 0
    refused: int = 0
    expired: int = 0
    waits_s: list[float] = field(default_factory=list)

    @property
    def kept(self) -> float:
        """The part that was answered in time."""
        return self.in_time / max(self.offered, 1)

    @property
    def missed(self) -> float:
        """Of the admitted, the part that was not answered in time."""
        missed = self.late + self.expired
        return missed / max(self.in_time + missed, 1)

    @property
    def busy_s(self) -> float:
        """The time of the lane that the answers in time took."""
        return self.in_time * self.run_s

    def wait_s(self, part: float) -> float:
        """The wait that `part` of the answers did not exceed."""
        return sorted(self.waits_s)[int(part * (len(self.waits_s) - 1))]


class Simulation:
    """One scheduler and the flows that meet there.

    Args:
        flows: get their counts while it plays.
        policy: of the scheduler; None takes the default.
        seed: of arrivals and run times.
    """

    def __init__(self, flows: Sequence[Flow], policy: Policy | None = None, seed: int = 1) -> None:
        self._rng = random.Random(seed)
        self._flows = flows
        self._scheduler = Scheduler(policy or Policy())
        self._queues = {
            flow.model: ModelQueue(flow.model, LatencyModel(FIXED_S, flow.run_s * flow.expected))
            for flow in flows
        }
        self._next_s = [self._rng.expovariate(flow.rate) for flow in flows]
        self._owners: dict[Job, Flow] = {}

    def play(self, seconds: float) -> None:
        """Sends calls for so long, and goes on until nothing waits."""
        now = 0.0
        while True:
            for sent_s, flow in self._arrivals(now, seconds):
                now += ARRIVAL_S
                self._offer(flow, sent_s, now)
            batch = self._scheduler.next_batch(self._scheduler.inline, now)
            self._count_dropped()
            if batch is not None:
                now = self._run(batch, now)
                continue
            coming = [next_s for next_s in self._next_s if next_s < seconds]
            if not coming:
                return
            now = max(now, min(coming))

    def _arrivals(self, now: float, until_s: float) -> list[tuple[float, Flow]]:
        arrivals = []
        for index, flow in enumerate(self._flows):
            while self._next_s[index] <= now and self._next_s[index] < until_s:
                arrivals.append((self._next_s[index], flow))
                self._next_s[index] += self._rng.expovariate(flow.rate)
        return sorted(arrivals, key=lambda arrival: arrival[0])

    def _offer(self, flow: Flow, sent_s: float, now: float) -> None:
        queue = self._queues[flow.model]
        job = Job(queue, 1, b"", 100, flow.priority, encoder=None)  # type: ignore[arg-type]  # never encoded
        job.arrived_s, job.deadline_s = now, sent_s + flow.deadline_s
        self._owners[job] = flow
        counts = _counts(job)
        flow.offered += counts
        if self._scheduler.offer(job, now) is not None:
            flow.refused += counts

    def _count_dropped(self) -> None:
        for job, refusal in self._scheduler.dropped:
            flow = self._owners[job]
            if refusal is None:
                flow.expired += _counts(job)
            else:
                flow.refused += _counts(job)
        self._scheduler.dropped.clear()

    def _run(self, batch: Batch, now: float) -> float:
        assert all(job.deadline_s > now for job in batch.jobs), "a job started after its deadline"
        per_row_s = self._owners[batch.jobs[0]].run_s
        run_s = FIXED_S + per_row_s * batch.rows * self._rng.uniform(0.8, 1.2)
        now += run_s
        batch.learned_rows = batch.rows
        self._scheduler.finish(batch, self._scheduler.inline, run_s)
        for job in filter(_counts, batch.jobs):
            flow = self._owners[job]
            flow.waits_s.append(now - job.arrived_s)
            in_time = now + BACK_S <= job.deadline_s
            flow.in_time += in_time
            flow.late += not in_time
        return now


def play(
    *flows: Flow, seconds: float = 4.0, seed: int = 1, policy: Policy | None = None
) -> Sequence[Flow]:
    """Plays the flows against each other, and gives them back with their counts."""
    Simulation(flows, policy, seed).play(LEARNING_S + seconds)
    return flows


def _counts(job: Job) -> bool:
    return job.arrived_s > LEARNING_S
