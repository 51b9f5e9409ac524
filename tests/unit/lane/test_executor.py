"""Pins the books of an executor: what waits, what runs, and how much time that is."""

import pytest

from stubtail.lane.executor import Batch, Executor
from stubtail.lane.job import CRITICAL, LOW, NORMAL, Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue


def queue(fixed_s: float = 1e-3) -> ModelQueue:
    """A queue of a model."""
    return ModelQueue("model", LatencyModel(fixed_s, 1e-6))


def waiting_job(executor: Executor, where: ModelQueue, priority: int, cost_s: float) -> Job:
    """A job that is booked in, as the scheduler does it."""
    job = Job(where, 1, b"", 10, priority, encoder=None)  # type: ignore[arg-type]  # never encoded
    where.waiting[priority].append(job)
    where.cost_s[priority] += cost_s
    executor.add(where, priority, cost_s)
    return job


def test_what_is_booked_in_is_counted_and_what_is_booked_out_is_not() -> None:
    """By class and by time; an empty queue is forgotten with its rounding errors."""
    executor, one, two = Executor(1), queue(), queue()
    for index in range(10):
        waiting_job(executor, one, NORMAL, 0.1)
        waiting_job(executor, two, LOW if index % 2 else CRITICAL, 0.2)
    assert executor.waiting_jobs == [5, 0, 10, 5]
    assert executor.queued_s == pytest.approx(3.0)
    assert list(executor.queues) == [one, two]
    assert executor.only_priority() is None

    executor.clear(two)
    assert executor.waiting_jobs == [0, 0, 10, 0]
    assert executor.queued_s == pytest.approx(1.0)
    assert executor.only_priority() == NORMAL
    for _ in range(10):
        one.waiting[NORMAL].pop()
        executor.remove(one, NORMAL, 0.1)
    assert executor.waiting_jobs == [0, 0, 0, 0]
    assert (executor.queued_s, one.cost_s, one.rows_waiting) == (0.0, [0.0] * 4, 0)
    assert not executor.queues
    assert executor.only_priority() is None


def test_work_is_what_runs_and_what_waits_over_the_slots() -> None:
    """Running batches count for what they still need, queues for their fixed part once."""
    executor, one = Executor(2), queue(fixed_s=0.5)
    waiting_job(executor, one, NORMAL, 1.0)
    waiting_job(executor, one, NORMAL, 2.0)
    executor.running.append(Batch(one, [], 1, taken_s=10.0, predicted_s=4.0))
    assert executor.residual_s(11.0) == pytest.approx(3.0)
    assert executor.work_s(11.0) == pytest.approx((3.0 + 3.0 + 0.5) / 2)
    assert executor.residual_s(20.0) == 0.0, "a run that takes longer than predicted is no credit"


def test_used_time_decays() -> None:
    """Shares are kept over the recent past, not for ever."""
    executor = Executor(1)
    executor.used_s = [4.0, 2.0, 0.0, 1.0]
    assert executor.decayed_used_s(0.5, now=7.0) == [2.0, 1.0, 0.0, 0.5]
    assert executor.used_at_s == 7.0
