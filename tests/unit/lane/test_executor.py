"""Pins the books of an executor: what waits, what runs, and how much time that is."""

from math import log

import pytest

from stubtail.lane.executor import (
    FREE_MIN,
    LONGER_MAX,
    SETTLE_S,
    SHARE_WINDOW_S,
    Batch,
    Executor,
)
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.priority import CRITICAL, LOW, NORMAL


def queue(fixed_s: float = 1e-3, per_row_s: float = 1e-6) -> ModelQueue:
    """A queue of a model."""
    return ModelQueue("model", LatencyModel(fixed_s, per_row_s))


def waiting_job(executor: Executor, where: ModelQueue, priority: int, cost_s: float) -> Job:
    """A job that is booked in, as the scheduler does it."""
    job = Job(where, 1, b"", 10, priority, encoder=None)  # type: ignore[arg-type]  # never encoded
    where.waiting[priority].append(job)
    where.cost_s[priority] += cost_s
    where.rows_waiting += 1
    executor.add(where, priority, cost_s)
    return job


def test_what_is_booked_in_is_counted_and_what_is_booked_out_is_not() -> None:
    """By class and by time; an empty queue is forgotten with its rounding errors."""
    executor, one, two = Executor(1, 0.005), queue(), queue()
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
    """Running batches count for what they still need, queues for the batches that they need."""
    executor, one = Executor(2, 0.005), queue(fixed_s=0.5, per_row_s=1.0)
    waiting_job(executor, one, NORMAL, 1.0)
    waiting_job(executor, one, NORMAL, 2.0)
    executor.running.append(Batch(one, [], 1, taken_s=10.0, predicted_s=4.0))
    assert executor.residual_s(11.0) == pytest.approx(3.0)
    assert executor.work_s(11.0) == pytest.approx((3.0 + 2 * 1.5) / 2)
    assert executor.residual_s(20.0) == 0.0, "a run that takes longer than predicted is no credit"


def test_work_is_counted_in_batches() -> None:
    """Where all batches have one size, runs tell the sum of both parts, not the parts."""
    told_apart, mistaken = (
        queue(fixed_s=1e-4, per_row_s=1e-4),
        queue(fixed_s=2.5e-3, per_row_s=5e-5),
    )
    for one in (told_apart, mistaken):
        assert one.latency.predict_s(49) == pytest.approx(5e-3, rel=0.02), "the same for 49 rows"
        one.rows_waiting = 490
        assert one.work_s(run_s_max=5e-3) == pytest.approx(50e-3, rel=0.03)
        one.rows_waiting = 1
        assert one.work_s(run_s_max=5e-3) == pytest.approx(one.latency.predict_s(1))


def test_jobs_that_run_alone_each_take_the_fixed_part() -> None:
    """A graph of fixed size has no batches."""
    one = ModelQueue("model", LatencyModel(1e-3, 1e-4), solo=True)
    one.waiting[NORMAL] = [Job(one, 2, b"", 1, NORMAL, encoder=None)] * 3  # type: ignore[arg-type]
    one.rows_waiting = 6
    assert one.work_s(run_s_max=5e-3) == pytest.approx(3 * 1e-3 + 6 * 1e-4)


def test_used_time_is_forgotten() -> None:
    """Shares are kept over the recent past, not for ever; and not looked at for every batch."""
    executor = Executor(1, 0.005)
    executor.used_s = [0.4, 0.2, 0.0, 0.1]
    executor.settle(SETTLE_S / 2)
    assert executor.used_s == [0.4, 0.2, 0.0, 0.1]
    executor.settle(SHARE_WINDOW_S * log(2))
    assert executor.used_s == pytest.approx([0.2, 0.1, 0.0, 0.05])


def test_what_more_urgent_classes_leave() -> None:
    """A class counts on what those before it took lately, and never on nothing."""
    executor = Executor(1, 0.005)
    executor.used_s = [0.5, 0.3, 9.0, 0.0]
    executor.settle(SETTLE_S)
    assert executor.free == pytest.approx([1.0, 0.5, 0.2, FREE_MIN], abs=0.02)


def test_the_pace_follows_what_batches_take_while_others_wait() -> None:
    """Batches that hold the lane for three times their prediction, then idleness, then a pause."""
    executor, one = Executor(1, 0.005), queue(fixed_s=1e-3, per_row_s=1.0)
    waiting_job(executor, one, NORMAL, 1.0)
    for number in range(60):
        batch = Batch(one, [], 1, taken_s=3.0 * number, predicted_s=1.0)
        executor.begin(batch)
        executor.end(batch)
    assert executor.pace == pytest.approx(3.0, rel=0.01)
    assert executor.work_s(500.0) == pytest.approx(3.0 * (1.0 + 1e-3), rel=0.01)

    executor.begin(Batch(one, [], 1, taken_s=10_000.0, predicted_s=1.0))
    assert executor.pace < 4.0, "one long pause counts as a few runs"


def test_the_pace_is_forgotten_when_nothing_waits() -> None:
    """An executor that had a hard hour starts anew after it, whoever emptied its queue."""
    executor, one = Executor(1, 0.005), queue(fixed_s=1e-3, per_row_s=1.0)
    job = waiting_job(executor, one, NORMAL, 1.0)
    for number in range(60):
        batch = Batch(one, [], 1, taken_s=7.0 * number, predicted_s=1.0)
        executor.begin(batch)
        executor.end(batch)
    assert executor.pace > 6.0
    one.waiting[NORMAL].remove(job)
    executor.remove(one, NORMAL, 1.0)
    assert executor.pace == 1.0
    executor.begin(Batch(one, [], 1, taken_s=10_000.0, predicted_s=1.0))
    assert executor.pace == 1.0, "the idle time before it was no pace of runs"


def test_idle_time_is_not_the_pace_of_runs() -> None:
    """The time to the next batch tells nothing where nothing waited for it."""
    executor, one = Executor(1, 0.005), queue()
    for number in range(20):
        batch = Batch(one, [], 1, taken_s=100.0 * number, predicted_s=1.0)
        executor.begin(batch)
        executor.end(batch)
    assert executor.pace == 1.0


def waited(
    executor: Executor, expected_s: float, really_s: float, *, postponed: bool = False
) -> None:
    """A thousand batches whose last job waited so long instead of so long."""
    where = queue()
    waiting_job(executor, where, NORMAL, 0.1)  # so that nothing is forgotten
    for _ in range(1_000):
        job = Job(where, 1, b"", 10, LOW, encoder=None)  # type: ignore[arg-type]  # never encoded
        job.arrived_s, job.wait_s, job.postponed = 10.0, expected_s, postponed
        batch = Batch(where, [job], 1, taken_s=10.0 + really_s, predicted_s=1.0)
        executor.begin(batch)
        executor.end(batch)


@pytest.mark.parametrize(
    ("expected_s", "really_s", "longer"),
    [(0.050, 0.065, 1.3), (0.050, 0.010, 1.0), (1e-9, 1.0, LONGER_MAX), (0.0, 1.0, 1.0)],
    ids=["longer", "shorter", "absurd", "not expected to wait"],
)
def test_waits_that_were_longer_than_expected_are_learned(
    expected_s: float, really_s: float, longer: float
) -> None:
    """For their class alone, within bounds; a wait that nobody worked out teaches nothing."""
    executor = Executor(1, 0.005)
    waited(executor, expected_s, really_s)
    assert executor.longer == pytest.approx([1.0, 1.0, 1.0, longer], rel=1e-3)


def test_jobs_that_were_put_behind_others_teach_nothing() -> None:
    """What a tenant waits for its own flood is nobody else's wait."""
    executor = Executor(1, 0.005)
    waited(executor, 0.050, 0.500, postponed=True)
    assert executor.longer == [1.0] * 4


def test_longer_waits_are_forgotten_when_nothing_waits() -> None:
    """The next storm is another one."""
    executor, where = Executor(1, 0.005), queue()
    waited(executor, 0.050, 0.100)
    assert executor.longer[LOW] == pytest.approx(2.0, rel=1e-3)
    for one in list(executor.queues):
        executor.clear(one)
    waiting_job(executor, where, NORMAL, 0.1)
    assert executor.longer == [1.0] * 4
