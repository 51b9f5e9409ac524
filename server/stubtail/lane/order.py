"""Which waiting work goes first: pure functions over queues, used by the scheduler."""

from collections.abc import Sequence
from operator import attrgetter

from stubtail.lane.executor import Executor
from stubtail.lane.job import Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.priority import PRIORITIES

due = attrgetter("due_s")
CONTENTION_S = 0.02  # with less work than this waiting, order by virtual deadline alone


def starving_priority(executor: Executor, shares: Sequence[float], now: float) -> int | None:
    """Under contention, the waiting class furthest below its share of the recent time."""
    if executor.queued_s < CONTENTION_S or executor.only_priority() is not None:
        return None
    executor.settle(now)
    used_s = executor.used_s
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
    """The queue whose turn it is, in the class `first` or else the class of what is due first.

    Within a class queues take turns by the time that they got (start-time fair queueing, Goyal et
    al., SIGCOMM 1996), or a flood of one model's calls would stand before all others.
    """
    if len(executor.queues) == 1:
        return next(iter(executor.queues))
    if first is None:
        _, first = min(
            (waiting[0].due_s, priority)
            for queue in executor.queues
            for priority, waiting in enumerate(queue.waiting)
            if waiting
        )
    return min(
        (queue for queue in executor.queues if queue.waiting[first]),
        key=lambda queue: queue.start_s[first],
    )


def rows_of_a_batch(
    queue: ModelQueue, head: Job, now: float, rows_max: int, run_s_max: float
) -> int:
    """Rows that keep the run within its bound and the most urgent job within its deadline.

    Where the fixed part alone is beyond the bound, rows may as much as double the run: such
    models gain most from sharing it.
    """
    fixed_s = queue.latency.fixed_s
    budget_s = min(max(run_s_max, 2 * fixed_s), head.deadline_s - now)
    rows = min(rows_max, queue.latency.rows_within(budget_s))
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
        # Postponed jobs would make those that are not wait for a longer run.
        if taken and (rows > rows_max or job.postponed > taken[0].postponed):
            break
        taken.append(job)
    return taken


def split_expired(jobs: Sequence[Job], now: float) -> tuple[list[Job], list[Job]]:
    """The jobs that may start, and those whose deadline has passed."""
    alive = [job for job in jobs if job.deadline_s > now]
    expired = [job for job in jobs if job.deadline_s <= now] if len(alive) < len(jobs) else []
    return alive, expired
