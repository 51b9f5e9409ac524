"""How long a job would have to wait, from what waits, what runs and who else may come; pure."""

from bisect import bisect_left

from stubtail.lane.executor import FREE_MIN, Executor
from stubtail.lane.job import Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.order import due
from stubtail.lane.policy import Policy
from stubtail.lane.priority import PRIORITIES


def wait_s(job: Job, executor: Executor, policy: Policy, now: float) -> float:
    """Expected seconds until the job runs: what goes before it, or its class's share if sooner.

    Before it go the work of its own queue that is due earlier, as much of each other queue in its
    class, because they take turns, and what is due earlier in other classes.
    """
    run_s_max, mine = executor.run_s_max, job.priority
    own_s = _work_before_s(job.queue, mine, job.due_s, run_s_max)
    turn_s = own_s + run_s_max
    class_s, others_s, running_s = own_s, 0.0, executor.residual_s(now)
    for queue in executor.queues:
        for priority in PRIORITIES:
            if queue.waiting[priority] and not (queue is job.queue and priority == mine):
                work_s = _work_before_s(queue, priority, job.due_s, run_s_max)
                if priority == mine:
                    class_s += min(work_s, turn_s)
                else:
                    others_s += work_s
    stretch = executor.pace / executor.slots
    all_s = (running_s + class_s + others_s) * stretch
    share_s = (running_s + class_s / max(policy.shares[mine], 1e-6)) * stretch
    return min(_overtaken_s(all_s, job, executor, policy, now), share_s)


def _work_before_s(queue: ModelQueue, priority: int, due_s: float, run_s_max: float) -> float:
    """Expected time for the waiting jobs of one class in a queue that are due before `due_s`."""
    waiting = queue.waiting[priority]
    if not waiting:
        return 0.0
    before = bisect_left(waiting, due_s, key=due) / len(waiting)
    stretch = queue.work_s(run_s_max) / max(sum(queue.cost_s), 1e-9)
    return before * queue.cost_s[priority] * stretch


def _overtaken_s(waits_s: float, job: Job, executor: Executor, policy: Policy, now: float) -> float:
    """The wait when those who come later and are more urgent have gone first.

    A call of another class overtakes as long as its virtual deadline, its slack after its arrival,
    is before that of the job. Each class is expected to go on as in the last second.
    """
    horizons = sorted(
        (job.due_s - slack_s - now, executor.part_used(priority))
        for priority, slack_s in enumerate(policy.slack_s)
        if priority != job.priority and executor.used_s[priority] > 0.0
    )
    free = 1.0
    # From the class that overtakes longest: one that does so until the end stretches the wait.
    for horizon_s, part in reversed(horizons):
        if horizon_s <= 0.0:
            break
        left = max(free - part, FREE_MIN)
        if waits_s * free / left <= horizon_s:
            waits_s *= free / left
            free = left
        else:
            waits_s += part * horizon_s / free
    return waits_s
