"""Random tenants on one scheduler: one outcome for each job, bounds kept, accounts that add up."""

import random

import pytest

from stubtail.lane.executor import Batch, Executor
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy, Refusal
from stubtail.lane.scheduler import Scheduler
from stubtail.lane.tenant import Tenant

STEPS = 300


class World:
    """A scheduler with tenants of all kinds, and what became of each job."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.policy = Policy(
            jobs_max=rng.choice([8, 64, 512]), bytes_max=rng.choice([4000, 1 << 20])
        )
        self.scheduler = Scheduler(self.policy)
        self.tenants = [
            Tenant(
                f"t{index}",
                index,
                weight=rng.choice([0.5, 1.0, 4.0]),
                queue_share=rng.choice([0.1, 0.5, 1.0]),
                work_max=rng.choice([3, 50, 1 << 30]),
            )
            for index in range(rng.randint(1, 5))
        ]
        self.owners: list[Tenant | None] = [*self.tenants, *([None] if seed % 4 == 0 else [])]
        self.queues = [
            ModelQueue("model", LatencyModel(20e-6, 20e-6), solo=rng.random() < 0.2, pooled=pooled)
            for pooled in (False, False, True)
        ]
        self.now = 0.0
        self.outcomes: dict[int, int] = {}
        self.jobs: list[Job] = []  # kept, so that no id is used again
        self.waiting: list[Job] = []
        self.running: list[tuple[Batch, Executor]] = []

    def step(self) -> None:
        """Something happens."""
        rng = self.rng
        self.now += rng.expovariate(1 / 0.0005)
        action = rng.random()
        if action < 0.7:
            self.offer()
        elif action < 0.75 and self.waiting:
            job = rng.choice(self.waiting)
            self.outcomes[id(job)] += self.scheduler.cancel(job)
        elif action < 0.8:
            self.scheduler.expire(self.now)
        else:
            executor = rng.choice([self.scheduler.inline, self.scheduler.pool])
            batch = self.scheduler.next_batch(executor, self.now)
            if batch is not None:
                assert all(job.deadline_s > self.now for job in batch.jobs)
                self.running.append((batch, executor))
        if self.running and rng.random() < 0.6:
            self.finish(*self.running.pop(rng.randrange(len(self.running))))
        self.take_dropped()

    def offer(self) -> None:
        """A job of somebody arrives."""
        rng, queue = self.rng, self.rng.choice(self.queues)
        rows, priority = rng.choice([1, 1, 8]), rng.randint(0, 3)
        job = Job(queue, rows, b"", 100, priority, encoder=None)  # type: ignore[arg-type]  # never encoded
        job.arrived_s = self.now
        job.deadline_s = self.now + rng.choice([0.001, 0.02, 1.0])
        job.tenant = rng.choice(self.owners)
        self.jobs.append(job)
        self.outcomes[id(job)] = 0
        if queue is self.queues[0] and rng.random() < 0.2:
            batch = self.scheduler.take_alone(job, self.now)
            if batch is not None:
                self.running.append((batch, self.scheduler.inline))
                return
        if self.scheduler.offer(job, self.now) is None:
            self.waiting.append(job)
        else:
            self.outcomes[id(job)] += 1

    def finish(self, batch: Batch, executor: Executor) -> None:
        """A batch is done."""
        batch.learned_rows = batch.rows
        self.scheduler.finish(batch, executor, self.rng.uniform(1e-5, 5e-3))
        for job in batch.jobs:
            self.outcomes[id(job)] += 1

    def take_dropped(self) -> None:
        """Jobs that left without a run."""
        for job, refusal in self.scheduler.dropped:
            assert refusal in (None, Refusal.QUEUE_FULL)
            self.outcomes[id(job)] += 1
        self.scheduler.dropped.clear()


@pytest.mark.parametrize("seed", range(100))
def test_accounts_add_up_whatever_happens(seed: int) -> None:
    """Arrivals, cancellations, expiries, runs and the end, in any order."""
    world = World(seed)
    for _ in range(STEPS):
        world.step()
        for tenant in world.tenants:
            places = tenant.queue_share * world.policy.jobs_max
            assert 0 <= tenant.waiting_jobs <= places + 1
            assert 0 <= tenant.running <= tenant.work_max - tenant.waiting_jobs
    for job in world.scheduler.drop_all():
        world.outcomes[id(job)] += 1
    for batch, executor in world.running:
        world.finish(batch, executor)
    assert set(world.outcomes.values()) == {1}
    assert (world.scheduler.jobs, world.scheduler.size_bytes) == (0, 0)
    for tenant in world.tenants:
        left = (tenant.running, tenant.waiting_jobs, tenant.waiting_bytes, tenant.backlog_s)
        assert left == (0, 0, 0, [0.0] * 4)
