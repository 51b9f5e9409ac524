"""What runs batches, as the scheduler sees it: its slots, what runs, what waits, who used it."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.priority import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stubtail.lane.job import Job
    from stubtail.lane.tenant import Tenant


SHARE_WINDOW_S = 1.0  # shares are kept, and the use of the time is remembered, over about this
SETTLE_S = 0.02  # so often the time that was used is forgotten a bit
FREE_MIN = 0.02  # so much of the time is left to a class, whatever the more urgent ones took
PACE_WEIGHT = 0.1  # of the last batch; about the last ten decide
PACE_MAX = 8.0  # one long pause of the machine must not refuse everybody for long
LONGER_WEIGHT = 0.01  # of the last wait: a wait is told of when it is over, so this must be slower
LONGER_MAX = 4.0


class Batch:
    """Jobs that share one run.

    Attributes:
        queue: where they waited; its model runs them.
        jobs: in the order of their rows in the batch.
        rows: the rows of all of them.
        taken_s: when they left the queue, and the lane began to work for them.
        predicted_s: the expected time from then to the last reply.
        learned_rows: the rows that a clean run had, to learn from; 0 when it was not clean.
        left: the jobs that are not answered yet, after a search that took too long.
        tenant: whose all of them are; None where nobody looked, or where they are several's.
        started_s, ran_s, encoded_s: when the model started, when it was done, and when the last
            reply was handed over; set by the lane.
    """

    __slots__ = (
        "encoded_s",
        "jobs",
        "learned_rows",
        "left",
        "predicted_s",
        "queue",
        "ran_s",
        "rows",
        "started_s",
        "taken_s",
        "tenant",
    )

    def __init__(
        self, queue: ModelQueue, jobs: list[Job], rows: int, taken_s: float, predicted_s: float
    ) -> None:
        self.queue = queue
        self.jobs = jobs
        self.rows = rows
        self.taken_s = taken_s
        self.predicted_s = predicted_s
        self.learned_rows = 0
        self.left: Sequence[Job] = ()
        self.tenant: Tenant | None = None
        self.started_s = self.ran_s = self.encoded_s = taken_s


class Executor:
    """Slots for runs and the queues that they serve.

    Attributes:
        slots: how many batches run at once.
        run_s_max: about how long a batch may take.
        running: the batches that hold a slot.
        queues: the queues with waiting jobs (a dict used as an ordered set).
        queued_s: predicted time of all waiting rows.
        waiting_jobs: how many jobs of each priority wait.
        turn_s: for each priority the start, in fair time, of the queue that had its turn last.
        used_s: time given to each priority, decaying; `used_at_s` is when it last decayed.
        free: for each priority the part of the time that more urgent ones have left lately.
        pace: how long a batch really holds the only slot while others wait, as a multiple of its
            predicted time: receiving and refusing calls, and a busy machine, add to it.
        longer: for each priority, how much longer its jobs waited lately than they were expected
            to when they were admitted; at least 1.
    """

    __slots__ = (
        "_last",
        "free",
        "longer",
        "pace",
        "queued_s",
        "queues",
        "run_s_max",
        "running",
        "slots",
        "turn_s",
        "used_at_s",
        "used_s",
        "waiting_jobs",
    )

    def __init__(self, slots: int, run_s_max: float) -> None:
        self.slots = slots
        self.run_s_max = run_s_max
        self.running: list[Batch] = []
        self.queues: dict[ModelQueue, None] = {}
        self.queued_s = 0.0
        self.waiting_jobs = [0] * len(PRIORITIES)
        self.turn_s = [0.0] * len(PRIORITIES)
        self.used_s = [0.0] * len(PRIORITIES)
        self.used_at_s = 0.0
        self.free = [1.0] * len(PRIORITIES)
        self.pace = 1.0
        self.longer = [1.0] * len(PRIORITIES)
        self._last: Batch | None = None

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self.running or self.queues)

    def begin(self, batch: Batch) -> None:
        """Gives a batch a slot; what the one before it took until now tells the pace."""
        self.running.append(batch)
        self.settle(batch.taken_s)
        last = self._last
        if last is not None:
            ratio = (batch.taken_s - last.taken_s) / max(last.predicted_s, 1e-6)
            self.pace += PACE_WEIGHT * (min(max(ratio, 1.0), PACE_MAX) - self.pace)
        for job in batch.jobs[-1:]:  # one of each batch, of the class that waits longest
            if job.wait_s > 0.0 and not job.postponed:
                ratio = min((batch.taken_s - job.arrived_s) / job.wait_s, LONGER_MAX)
                longer = self.longer[job.priority]
                self.longer[job.priority] = max(longer + LONGER_WEIGHT * (ratio - longer), 1.0)

    def end(self, batch: Batch) -> None:
        """Frees the slot of a batch."""
        self.running.remove(batch)
        # With several slots, or with nothing waiting, the time to the next one tells nothing.
        self._last = batch if self.queues and self.slots == 1 else None

    def join(self, queue: ModelQueue, priority: int) -> None:
        """A queue waits again in a class: it has no claim to the time that it did not use."""
        queue.start_s[priority] = max(queue.start_s[priority], self.turn_s[priority])

    def give(self, queue: ModelQueue, priority: int, cost_s: float) -> None:
        """Books time that a class got for a queue."""
        self.turn_s[priority] = max(self.turn_s[priority], queue.start_s[priority])
        queue.start_s[priority] += cost_s
        self.used_s[priority] += cost_s

    def add(self, queue: ModelQueue, priority: int, cost_s: float) -> None:
        """Books a waiting job in."""
        self.queues[queue] = None
        self.queued_s += cost_s
        self.waiting_jobs[priority] += 1

    def remove(self, queue: ModelQueue, priority: int, cost_s: float) -> None:
        """Books a waiting job out."""
        self.queued_s -= cost_s
        self.waiting_jobs[priority] -= 1
        self.forget_if_empty(queue)

    def take_only(self, queue: ModelQueue, priority: int) -> None:
        """Books out all jobs of the only queue, which are of one class and go on in their list."""
        queue.waiting[priority] = []
        self.give(queue, priority, queue.cost_s[priority])
        self.waiting_jobs[priority] = 0
        self.queues.clear()
        queue.reset()
        self._rest()

    def clear(self, queue: ModelQueue) -> None:
        """Books all jobs of a queue out at once and empties its lists."""
        for priority in PRIORITIES:
            waiting = queue.waiting[priority]
            if waiting:
                self.waiting_jobs[priority] -= len(waiting)
                self.queued_s -= queue.cost_s[priority]
                waiting.clear()
        self.forget_if_empty(queue)

    def forget_if_empty(self, queue: ModelQueue) -> None:
        """Drops a queue in which nothing waits, and with it the rounding errors of its sums."""
        if any(queue.waiting):
            return
        self.queues.pop(queue, None)
        queue.reset()
        if not self.queues:
            self._rest()

    def _rest(self) -> None:
        """Nothing waits: sums have no rounding errors any more, and all else is to be learned."""
        self.queued_s = 0.0
        self.pace = 1.0
        self.longer = [1.0] * len(PRIORITIES)
        self._last = None

    def residual_s(self, now: float) -> float:
        """Expected time that the running batches still need, together."""
        residual_s = 0.0
        for batch in self.running:
            residual_s += max(batch.taken_s + batch.predicted_s - now, 0.0)
        return residual_s

    def work_s(self, now: float) -> float:
        """Expected time until everything that runs or waits is done; an upper bound."""
        work_s = self.residual_s(now)
        for queue in self.queues:
            work_s += queue.work_s(self.run_s_max)
        return work_s * self.pace / self.slots

    def only_priority(self) -> int | None:
        """The one class that waits, or None when several do."""
        present = [priority for priority in PRIORITIES if self.waiting_jobs[priority]]
        return present[0] if len(present) == 1 else None

    def settle(self, now: float) -> None:
        """Forgets use of long ago, a few times a second, and sees what is left to each class."""
        if now - self.used_at_s < SETTLE_S:
            return
        factor = exp(-(now - self.used_at_s) / SHARE_WINDOW_S)
        self.used_at_s = now
        self.used_s = [used_s * factor for used_s in self.used_s]
        free = 1.0
        for priority in PRIORITIES:
            self.free[priority] = max(free, FREE_MIN)
            free -= self.part_used(priority)

    def part_used(self, priority: int) -> float:
        """The part of the time of all slots that a class used lately."""
        return self.used_s[priority] * self.pace / SHARE_WINDOW_S / self.slots
