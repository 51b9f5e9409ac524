"""Thousands of random schedules: whatever comes, the scheduler's invariants hold."""

import random
from dataclasses import dataclass, field

import pytest

from stubtail.lane.executor import Batch, Executor
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.scheduler import Scheduler

SEEDS = 500  # `make soak` tries five times as many
SEEDS_PER_TEST = 100


@dataclass
class World:
    """A scheduler in simulated time, with the truth about each run and each job's outcomes."""

    seed: int
    now: float = 0.0
    outcomes: dict[int, list[str]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    late_starts: int = 0
    running: list[tuple[float, Batch, Executor]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        rng = self.rng
        self.policy = Policy(
            jobs_max=rng.choice([4, 40, 400]),
            bytes_max=rng.choice([2_000, 100_000]),
            batch_rows_max=rng.choice([1, 16, 4096]),
            batch_run_s_max=rng.choice([0.0005, 0.005]),
            pool_slots=rng.choice([1, 2]),
        )
        self.scheduler = Scheduler(self.policy)
        self.queues = []
        for index in range(rng.choice([1, 1, 3])):
            fixed_s = rng.choice([1e-5, 2e-4, 5e-3])
            latency = LatencyModel(fixed_s * rng.uniform(0.5, 2), 3e-6)
            queue = ModelQueue(
                f"model{index}", latency, solo=rng.random() < 0.1, pooled=fixed_s > 1e-3
            )
            self.queues.append((queue, fixed_s))

    def arrive(self) -> None:
        rng = self.rng
        queue, _ = rng.choice(self.queues)
        job = Job(queue, rng.choice([1, 1, 1, 8, 500]), b"", rng.choice([100, 900]),
                  rng.choice([0, 1, 2, 2, 3]), encoder=None)  # type: ignore[arg-type]  # fmt: skip
        job.call = len(self.jobs)
        job.arrived_s = self.now
        job.deadline_s = self.now + rng.choice([0.0002, 0.003, 0.05, 5.0])
        self.jobs.append(job)
        self.outcomes[job.call] = []
        batch = self.scheduler.take_alone(job, self.now) if rng.random() < 0.5 else None
        if batch is not None:
            self.run_batch(batch, self.scheduler.inline)
            return
        refusal = self.scheduler.offer(job, self.now)
        if refusal is not None:
            self.outcomes[job.call].append(refusal.value)
        self.take_dropped()

    def take_dropped(self) -> None:
        for job, refusal in self.scheduler.dropped:
            self.outcomes[job.call].append(refusal.value if refusal else "expired")
            if refusal is None:
                assert job.deadline_s <= self.now, "a job was called expired before its deadline"
        self.scheduler.dropped.clear()

    def start(self) -> None:
        for executor in (self.scheduler.inline, self.scheduler.pool):
            while batch := self.scheduler.next_batch(executor, self.now):
                self.run_batch(batch, executor)
            self.take_dropped()

    def run_batch(self, batch: Batch, executor: Executor) -> None:
        self.check_batch(batch, executor)
        run_s = dict(self.queues)[batch.queue] + 3e-6 * batch.rows
        end = self.now + run_s * self.rng.uniform(0.8, 1.3)
        self.running.append((end, batch, executor))

    def check_batch(self, batch: Batch, executor: Executor) -> None:
        assert batch.jobs, "an empty batch was made"
        assert batch.rows == sum(job.rows for job in batch.jobs)
        assert len(executor.running) <= executor.slots
        assert {job.queue for job in batch.jobs} == {batch.queue}
        assert not batch.queue.solo or len(batch.jobs) == 1
        if len(batch.jobs) > 1:
            assert batch.rows <= self.policy.batch_rows_max
            latency = batch.queue.latency
            bound_s = max(self.policy.batch_run_s_max, 2 * latency.fixed_s)
            assert latency.predict_s(batch.rows) <= bound_s + 1e-9
        for job in batch.jobs:
            assert not self.outcomes[job.call], "a job that had its outcome was run"
            self.late_starts += job.deadline_s <= self.now

    def finish_until(self, moment: float) -> None:
        while self.running and min(self.running, key=lambda run: run[0])[0] <= moment:
            run = min(self.running, key=lambda run: run[0])
            self.running.remove(run)
            end, batch, executor = run
            self.now = max(self.now, end)
            batch.learned_rows = batch.rows
            self.scheduler.finish(batch, executor, end - batch.taken_s)
            for job in batch.jobs:
                self.outcomes[job.call].append("answered")
            self.start()
        self.now = moment

    def check_bounds(self) -> None:
        scheduler = self.scheduler
        assert 0 <= scheduler.jobs <= self.policy.jobs_max
        assert 0 <= scheduler.size_bytes <= self.policy.bytes_max
        waiting = [job for queue, _ in self.queues for jobs in queue.waiting for job in jobs]
        assert scheduler.jobs == len(waiting)
        assert scheduler.size_bytes == sum(job.size_bytes for job in waiting)
        for executor in (scheduler.inline, scheduler.pool):
            mine = [j for j in waiting if j.queue.pooled == (executor is scheduler.pool)]
            assert executor.waiting_jobs == [sum(j.priority == p for j in mine) for p in range(4)]
            assert executor.queued_s == pytest.approx(sum(j.cost_s for j in mine), abs=1e-9)
            assert set(executor.queues) == {job.queue for job in mine}
            for queue in executor.queues:
                assert queue.rows_waiting == sum(j.rows for j in mine if j.queue is queue)
                assert queue.bytes_waiting == sum(j.size_bytes for j in mine if j.queue is queue)
                for jobs in queue.waiting:
                    assert [j.due_s for j in jobs] == sorted(j.due_s for j in jobs)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.finish_until(
                self.now + self.rng.expovariate(self.rng.choice([300, 5_000, 50_000]))
            )
            event = self.rng.random()
            if event < 0.85:
                for _ in range(self.rng.choice([1, 1, 4, 30])):
                    self.arrive()
                self.start()
            elif event < 0.95 and self.jobs:
                job = self.rng.choice(self.jobs[-40:])
                if self.scheduler.cancel(job):
                    self.outcomes[job.call].append("cancelled")
            else:
                self.scheduler.expire(self.now)
                self.take_dropped()
            self.check_bounds()
        self.start()
        self.finish_until(self.now + 100.0)
        self.scheduler.expire(self.now)
        self.take_dropped()


@pytest.mark.parametrize(
    "first_seed",
    [
        *range(0, SEEDS, SEEDS_PER_TEST),
        *(
            pytest.param(seed, marks=pytest.mark.soak)
            for seed in range(SEEDS, 5 * SEEDS, SEEDS_PER_TEST)
        ),
    ],
)
def test_invariants_hold_for_random_schedules(first_seed: int) -> None:
    """Each job gets exactly one outcome, nothing starts late, every bound and every sum holds."""
    for seed in range(first_seed, first_seed + SEEDS_PER_TEST):
        world = World(seed)

        world.run(steps=40)

        wrong = {call: got for call, got in world.outcomes.items() if len(got) != 1}
        assert not wrong, f"seed {seed}: not exactly one outcome: {dict(list(wrong.items())[:3])}"
        assert world.late_starts == 0, f"seed {seed}"
        assert world.scheduler.jobs == 0
        assert world.scheduler.inline.queued_s == 0.0


def saturate(policy: Policy, arrivals: dict[int, float], seconds: float, seed: int) -> list[float]:
    """Offers each class at a rate (jobs a second) and returns the share of time each one got."""
    rng = random.Random(seed)
    scheduler = Scheduler(policy)
    queue = ModelQueue("model", LatencyModel(50e-6, 100e-6))
    now, free_at, got = 0.0, 0.0, [0.0] * 4
    upcoming = {priority: rng.expovariate(rate) for priority, rate in arrivals.items()}
    while now < seconds:
        priority = min(upcoming, key=upcoming.__getitem__)
        arrival = upcoming[priority]
        while free_at <= arrival:
            now = max(now, free_at)
            batch = scheduler.next_batch(scheduler.inline, now)
            if batch is None:
                break
            run_s = 50e-6 + 100e-6 * batch.rows
            free_at = now + run_s
            batch.learned_rows = batch.rows
            scheduler.finish(batch, scheduler.inline, run_s)
            for job in batch.jobs:
                got[job.priority] += run_s / len(batch.jobs)
        now = arrival
        upcoming[priority] = now + rng.expovariate(arrivals[priority])
        job = Job(queue, 1, b"", 100, priority, encoder=None)  # type: ignore[arg-type]
        job.arrived_s, job.deadline_s = now, now + 0.5
        scheduler.offer(job, now)
        scheduler.dropped.clear()
    return [part / sum(got) for part in got]


@pytest.mark.parametrize("seed", range(3))
def test_each_class_keeps_its_reserved_share_under_permanent_pressure(seed: int) -> None:
    """With every class offering twice the capacity, each gets at least 80 % of its share."""
    policy = Policy()
    overload = dict.fromkeys(range(4), 12_000.0)

    shares = saturate(policy, overload, seconds=1.5, seed=seed)

    for priority in range(4):
        assert shares[priority] >= 0.8 * policy.shares[priority], shares


@pytest.mark.parametrize("lone", range(4))
def test_an_unused_share_is_lent(lone: int) -> None:
    """A class that is alone gets all the time."""
    shares = saturate(Policy(), {lone: 12_000.0}, seconds=0.5, seed=1)

    assert shares[lone] == pytest.approx(1.0)


def test_a_light_critical_class_is_hardly_refused_in_a_storm() -> None:
    """Critical work at a tenth of the capacity gets through a storm of low priority."""
    rates = {0: 900.0, 3: 15_000.0}

    shares = saturate(Policy(), rates, seconds=1.5, seed=3)

    assert shares[0] >= 0.08, shares
