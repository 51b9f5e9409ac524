"""Permanent overload in simulated time: what is admitted is answered in time, and enough is.

The lane is simulated with what it costs: each arrival takes its time, admitted or not, runs are
slower than predicted, and an answer needs a while to get back to its caller.
"""

import random
from dataclasses import dataclass

import pytest

from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.scheduler import Scheduler

RUN_S = 300e-6  # of one call, really
ARRIVAL_S = 10e-6  # to receive, decode and admit or refuse a call
LEARNING_S = 1.0  # what comes in the first second is not counted: the model is being learned
BACK_S = 2e-3  # an answer's way to its caller, on a busy machine
DEADLINE_S = 0.050
CAPACITY = 1 / (RUN_S + ARRIVAL_S)


@dataclass
class Outcome:
    """What became of the calls of one run."""

    in_time: int = 0
    late: int = 0
    expired: int = 0
    refused: int = 0
    seconds: float = 0.0

    @property
    def goodput(self) -> float:
        """Answers within the deadline, for each second."""
        return self.in_time / self.seconds


def storm(load: float, policy: Policy, *, seconds: float = 4.0, seed: int = 1) -> Outcome:
    """Poisson arrivals at `load` times the capacity, on a model thought to be twice as fast."""
    rng = random.Random(seed)
    scheduler = Scheduler(policy)
    queue = ModelQueue("model", LatencyModel(20e-6, RUN_S / 2))
    outcome = Outcome(seconds=seconds - LEARNING_S)
    now = 0.0
    next_s = rng.expovariate(load * CAPACITY)
    while next_s < seconds or scheduler.jobs:
        arrivals = []
        while next_s <= now and next_s < seconds:
            arrivals.append(next_s)
            next_s += rng.expovariate(load * CAPACITY)
        for sent_s in arrivals:
            now += ARRIVAL_S
            job = Job(queue, 1, b"", 100, 2, encoder=None)  # type: ignore[arg-type]  # never encoded
            job.arrived_s, job.deadline_s = now, sent_s + DEADLINE_S
            outcome.refused += scheduler.offer(job, now) is not None
        batch = scheduler.next_batch(scheduler.inline, now)
        outcome.expired += sum(job.arrived_s > LEARNING_S for job, _ in scheduler.dropped)
        scheduler.dropped.clear()
        if batch is None:
            now = max(now, next_s)
            continue
        assert all(job.deadline_s > now for job in batch.jobs), "a job started after its deadline"
        run_s = RUN_S * batch.rows * rng.uniform(0.8, 1.2)
        now += run_s
        batch.learned_rows = batch.rows
        scheduler.finish(batch, scheduler.inline, run_s)
        counted = [job for job in batch.jobs if job.arrived_s > LEARNING_S]
        on_time = sum(now + BACK_S <= job.deadline_s for job in counted)
        outcome.in_time += on_time
        outcome.late += len(counted) - on_time
    return outcome


@pytest.mark.parametrize("load", [2.0, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_goodput_survives_overload(load: float, seed: int) -> None:
    """At least 0.9 of what the lane can do after refusing the rest; hardly anything is late."""
    best = storm(1.0, Policy(), seed=seed).goodput
    found = storm(load, Policy(), seed=seed)
    left = 1 - (load - 1) * CAPACITY * ARRIVAL_S  # of the lane's time, after the refusals
    assert found.goodput >= 0.9 * left * best, found
    assert found.late + found.expired <= 0.01 * found.in_time, found


def test_admitting_up_to_the_deadline_collapses() -> None:
    """The control: without room for errors and the way back, most answers come too late."""
    found = storm(2.0, Policy(wait_part_max=1.0))
    assert found.late + found.expired > found.in_time, found


def test_half_load_is_hardly_refused() -> None:
    """Room for errors does not cost calls while there is room for all."""
    found = storm(0.5, Policy())
    assert found.refused + found.late + found.expired == 0, found


def test_a_model_that_was_slow_for_a_while_is_served_again() -> None:
    """Refused calls teach nothing, so that one a second is run in spite of what was learned."""
    scheduler = Scheduler(Policy())
    queue = ModelQueue("model", LatencyModel(20e-6, 1e-3))
    for _ in range(180):
        queue.latency.observe(1, 12e-3)
    refused, last_refused_s = 0, 0.0
    for step in range(2_000):
        now = step * 0.01
        job = Job(queue, 1, b"", 100, 2, encoder=None)  # type: ignore[arg-type]  # never encoded
        job.arrived_s, job.deadline_s = now, now + 0.010
        if scheduler.take_alone(job, now) is None and scheduler.offer(job, now) is not None:
            refused += 1
            last_refused_s = now
            continue
        batch = scheduler.inline.running[0] if scheduler.inline.running else None
        batch = batch or scheduler.next_batch(scheduler.inline, now)
        assert batch is not None
        batch.learned_rows = 1
        scheduler.finish(batch, scheduler.inline, 1e-3)
    assert 0 < refused < 500
    assert last_refused_s < 5.0
