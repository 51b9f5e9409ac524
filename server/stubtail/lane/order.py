"""Which waiting work goes first: pure functions over queues, used by the scheduler."""

from collections.abc import Sequence
from math import exp
from operator import attrgetter

from stubtail.lane.executor import Executor
from stubtail.lane.job import PRIORITY_NAMES, Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy

due = attrgetter("due_s")
PRIORITIES = range(len(PRIORITY_NAMES))
SHARE_WINDOW_S = 1.0  # shares are kept over about this time
CONTENTION_S = 0.02  # with less work than this waiting, order by virtual deadline alone


def starving_priority(executor: Executor, shares: Sequence[float], now: float) -> int | None:
    """Under contention, the waiting class furthest below its share of the recent time."""
    if executor.queued_s < CONTENTION_S or executor.only_priority() is not None:
        return None
    used_s = executor.decayed_used_s(exp(-(now - executor.used_at_s) / SHARE_WINDOW_S), now)
    total_s = sum(used_s)
    starving, worst = None, 1.0
    for priority in PRIORITIES:
        share = shares[priority]
        if executor.waiting_jobs[priority] and share > 0.0 and total_s > 0.0:
            filled = used_s[priority] / (total_s * share)
            if filled < worst:
                starving, worst = priority, filled
    return starving


def most_urgent_queue(executor: Executor, first: int | None) -> ModelQueue:
    """The queue whose head, of the class `first` if given, is due first."""
    if len(executor.queues) == 1:
        return next(iter(executor.queues))
    priorities = PRIORITIES if first is None else (first,)
    return min(
        (
            (waiting[0].due_s, index, queue)
            for index, queue in enumerate(executor.queues)
            for priority in priorities
            if (waiting := queue.waiting[priority])
        ),
    )[2]


def rows_of_a_batch(queue: ModelQueue, head: Job, now: float, policy: Policy) -> int:
    """Rows that keep the run within its bound and the most urgent job within its deadline.

    Where the fixed part alone is beyond the bound, rows may as much as double the run: such
    models gain most from sharing it.
    """
    fixed_s = queue.latency.fixed_s
    budget_s = min(max(policy.batch_run_s_max, 2 * fixed_s), head.deadline_s - now)
    rows = min(policy.batch_rows_max, queue.latency.rows_within(budget_s))
    return max(rows, head.rows)


def in_order(queue: ModelQueue, filled: list[int], first: int | None, rows_max: int) -> list[Job]:
    """Jobs of the class `first`, then all others by virtual deadline, while the rows fit."""
    lists = [queue.waiting[priority] for priority in filled if priority != first]
    others = lists[0] if len(lists) == 1 else sorted((j for jobs in lists for j in jobs), key=due)
    candidates = others if first is None else [*queue.waiting[first], *others]
    taken: list[Job] = []
    rows = 0
    for job in candidates:
        rows += job.rows
        if taken and rows > rows_max:
            break
        taken.append(job)
    return taken
