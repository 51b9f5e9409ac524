"""Pins how long a job is expected to wait: what runs, its queue, turns of others, its share."""

import pytest

from stubtail.lane.executor import Batch, Executor
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.priority import LOW, NORMAL
from stubtail.lane.wait import wait_s

RUN_S_MAX = 0.005
POLICY = Policy(batch_run_s_max=RUN_S_MAX)


def queue() -> ModelQueue:
    """A queue of a model whose rows take 1 ms each, and nothing else."""
    return ModelQueue("model", LatencyModel(0.0, 1e-3))


def job(where: ModelQueue, priority: int = NORMAL, due_s: float = 1.0) -> Job:
    """A job of one row."""
    one = Job(where, 1, b"", 10, priority, encoder=None)  # type: ignore[arg-type]  # never encoded
    one.due_s, one.cost_s = due_s, 1e-3
    return one


def fill(executor: Executor, where: ModelQueue, count: int, priority: int = NORMAL) -> None:
    """So many jobs wait there, all due before `job`'s."""
    for _ in range(count):
        where.waiting[priority].append(job(where, priority, due_s=0.5))
        where.rows_waiting += 1
        where.cost_s[priority] += 1e-3
        executor.add(where, priority, 1e-3)


def wait(executor: Executor, one: Job) -> float:
    """What is expected at time 0, to the microsecond: a latency is never quite 0."""
    return round(wait_s(one, executor, POLICY, 0.0), 6)


@pytest.mark.parametrize("priority", [NORMAL, LOW])
def test_what_runs_is_waited_for_by_everybody(priority: int) -> None:
    """Also by who has nothing of its class before it: a share does not stop a run."""
    executor = Executor(1, RUN_S_MAX)
    executor.running.append(Batch(queue(), [], 20, taken_s=0.0, predicted_s=0.020))
    assert wait(executor, job(queue(), priority)) == pytest.approx(0.020)


def test_queues_of_a_class_take_turns() -> None:
    """As much of another queue goes first as of one's own, and a run; not all of it."""
    executor, mine, other = Executor(1, RUN_S_MAX), queue(), queue()
    fill(executor, other, 100)
    assert wait(executor, job(mine)) == pytest.approx(RUN_S_MAX)
    fill(executor, mine, 3)
    assert wait(executor, job(mine)) == pytest.approx(2 * 0.003 + RUN_S_MAX)


def test_a_class_waits_for_no_more_than_its_share() -> None:
    """A hundred normal jobs before two low ones, which have a tenth of the time kept for them."""
    executor, where = Executor(1, RUN_S_MAX), queue()
    fill(executor, where, 100)
    fill(executor, where, 2, LOW)
    assert wait(executor, job(where, LOW)) == pytest.approx(0.002 / POLICY.shares[LOW])
