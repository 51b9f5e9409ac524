"""Whether the work ahead leaves a job enough time; pure."""

from stubtail.lane.executor import Executor
from stubtail.lane.fairness import POSTPONED_PART
from stubtail.lane.job import Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.wait import wait_s

PROBE_S = 1.0  # so often is a call run although its run is expected to take too long


class Admission:
    """Refuses what would be late.

    Args:
        policy: the settings of the scheduler.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        # The wait that was worked out last: when, for whom, due when, how long.
        self._known: tuple[float, ModelQueue | None, int, float, float] = (0.0, None, 0, 0.0, 0.0)

    def refuses(self, job: Job, executor: Executor, now: float) -> bool:
        """Whether the job, with its cost and virtual deadline, should not wait at all."""
        queue = job.queue
        left_s = job.deadline_s - now - queue.latency.fixed_s - job.cost_s
        wait_max_s = left_s * self._policy.wait_part_max
        if job.postponed:
            wait_max_s *= POSTPONED_PART
        if not self._waits_longer(wait_max_s, job, executor, now):
            return False
        # A model that was slow for a while is run now and then, or nobody would notice its end.
        probe = 0.0 < queue.probe_s <= now and not executor.busy and now < job.deadline_s
        if probe or queue.probe_s == 0.0:
            queue.probe_s = now + PROBE_S
        return not probe

    def _waits_longer(self, wait_max_s: float, job: Job, executor: Executor, now: float) -> bool:
        # In a storm calls come in crowds: whoever is due later than one that waits too long does so
        # too.
        priority = job.priority
        at, queue, of, due_s, known_s = self._known
        alike = at == now and queue is job.queue and of == priority
        if alike and due_s <= job.due_s and known_s > wait_max_s:
            return True
        # The cheap bound counts all work as ahead; only when it fails is the order looked at.
        longer = executor.longer[priority]
        if executor.work_s(now) * longer <= wait_max_s * executor.free[priority]:
            return False
        job.wait_s = wait_s(job, executor, self._policy, now)
        known_s = job.wait_s * longer
        self._known = (now, job.queue, priority, job.due_s, known_s)
        return known_s > wait_max_s
