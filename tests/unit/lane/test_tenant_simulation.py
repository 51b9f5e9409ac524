"""Tenants in simulated time: whoever floods the lane pays for it."""

import random
from dataclasses import dataclass, field

import pytest

from stubtail.access.rate import Rate
from stubtail.lane.job import Job
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.scheduler import Scheduler
from stubtail.lane.tenant import Tenant

FIXED_S, ROW_S = 60e-6, 40e-6  # of a run, really; it is thought to take half as long
ARRIVAL_S = 6e-6  # to receive, decode and admit or refuse a call
REFUSAL_S = 2e-6  # to refuse one before it is decoded
CAPACITY = 1 / (ROW_S + ARRIVAL_S)  # calls a second with large batches
GOOD_LOAD = 0.4  # of the capacity, by all good tenants together
SECONDS = 0.8
LEARNING_S = 0.2


def job_of(tenant: Tenant | None, queue: ModelQueue, now: float, within_s: float, **more) -> Job:
    """A job of one row that arrives now."""
    job = Job(queue, more.pop("rows", 1), b"", 100, more.pop("priority", 2), encoder=None)  # type: ignore[arg-type]  # never encoded
    job.arrived_s, job.deadline_s, job.tenant = now, now + within_s, tenant
    return job


@dataclass
class Watched:
    """What a simulation saw of each tenant: waiting times and ends."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    expired: dict[str, int] = field(default_factory=dict)

    def p99(self, *names: str) -> float:
        """Of the time from arrival to answer, of these tenants together."""
        waits = sorted(wait for name in names for wait in self.waits.get(name, ()))
        return waits[int(len(waits) * 0.99)]


def serve(
    rates: dict[Tenant, float],
    *,
    seed: int,
    within_s: float,
    told: bool = True,
    quotas: dict[str, Rate] | None = None,
) -> Watched:
    """Poisson arrivals of each tenant at so many calls a second; `told`: the lane knows whose."""
    rng = random.Random(seed)
    scheduler = Scheduler(Policy())
    queue = ModelQueue("model", LatencyModel(FIXED_S / 2, ROW_S / 2))
    seen = Watched()
    owners = {tenant.name: tenant for tenant in rates}
    coming = sorted(
        (arrival, tenant.name) for tenant, rate in rates.items() for arrival in _arrivals(rng, rate)
    )
    names: dict[int, str] = {}
    now, at = 0.0, 0
    while at < len(coming) or scheduler.jobs:
        while at < len(coming) and coming[at][0] <= now:
            arrived_s, name = coming[at]
            at += 1
            if quotas and name in quotas and quotas[name].take(arrived_s):
                now += REFUSAL_S
                seen.refused[name] = seen.refused.get(name, 0) + 1
                continue
            now += ARRIVAL_S
            job = job_of(owners[name] if told else None, queue, arrived_s, within_s)
            names[id(job)] = name
            if scheduler.offer(job, now) is not None:
                seen.refused[name] = seen.refused.get(name, 0) + 1
        batch = scheduler.next_batch(scheduler.inline, now)
        for job, _ in scheduler.dropped:
            seen.expired[names[id(job)]] = seen.expired.get(names[id(job)], 0) + 1
        scheduler.dropped.clear()
        if batch is None:
            now = max(now, coming[at][0]) if at < len(coming) else now
            continue
        assert all(job.deadline_s > now for job in batch.jobs), "a job started after its deadline"
        run_s = (FIXED_S + ROW_S * batch.rows) * rng.uniform(0.9, 1.1)
        now += run_s
        batch.learned_rows = batch.rows
        scheduler.finish(batch, scheduler.inline, run_s)
        for job in batch.jobs:
            if job.arrived_s > LEARNING_S:
                seen.waits.setdefault(names[id(job)], []).append(now - job.arrived_s)
    for tenant in rates:
        assert (tenant.running, tenant.waiting_jobs, tenant.backlog_s) == (0, 0, [0.0] * 4)
        assert tenant.waiting_bytes == 0
    return seen


def _arrivals(rng: random.Random, rate: float) -> list[float]:
    at, arrivals = 0.0, []
    while at < SECONDS:
        at += rng.expovariate(rate)
        arrivals.append(at)
    return arrivals


def good_tenants() -> dict[Tenant, float]:
    """Three tenants that send 0.4 of what the lane can do, together."""
    return {Tenant(f"good{i}", i): GOOD_LOAD * CAPACITY / 3 for i in range(3)}


GOOD = ("good0", "good1", "good2")


@pytest.mark.parametrize("within_s", [0.02, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_flood_is_paid_for_by_its_tenant(within_s: float, seed: int) -> None:
    """One tenant sends 2.5 times what the lane can do: the others wait for a short run or two."""
    solo = serve(good_tenants(), seed=seed, within_s=within_s)
    rates = {**good_tenants(), Tenant("flood", 9): 2.5 * CAPACITY}
    found = serve(rates, seed=seed, within_s=within_s)
    assert not set(GOOD) & {*found.refused, *found.expired}, (found.refused, found.expired)
    assert found.p99(*GOOD) <= solo.p99(*GOOD) + 4 * Policy().shared_run_s_max
    assert found.refused["flood"] > 0
    assert found.waits["flood"], "what is left of the lane is the flood's"


def test_without_tenants_a_flood_drowns_everybody() -> None:
    """The control: the same calls, and the lane does not know whose they are."""
    solo = serve(good_tenants(), seed=1, within_s=0.2)
    rates = {**good_tenants(), Tenant("flood", 9): 2.5 * CAPACITY}
    found = serve(rates, seed=1, within_s=0.2, told=False)
    assert found.p99(*GOOD) > 50 * solo.p99(*GOOD)
    assert all(found.refused[name] for name in GOOD)


@pytest.mark.parametrize("seed", range(3))
def test_ten_times_the_quota_moves_no_other_tenants_p99(seed: int) -> None:
    """Quotas that fit the lane: a tenant at ten times its own costs the others less than half."""
    quota = 0.1 * CAPACITY
    solo = serve({**good_tenants(), Tenant("tenth", 9): quota}, seed=seed, within_s=0.2)
    rates = {**good_tenants(), Tenant("tenth", 9): 10 * quota}
    quotas = {"tenth": Rate(quota, burst=10)}
    found = serve(rates, seed=seed, within_s=0.2, quotas=quotas)
    assert not set(GOOD) & {*found.refused, *found.expired}
    assert found.p99(*GOOD) <= 1.5 * solo.p99(*GOOD), (found.p99(*GOOD), solo.p99(*GOOD))
    assert found.refused["tenth"] > 0.8 * 10 * quota * SECONDS


def test_a_tenants_urgent_calls_pass_its_own_others() -> None:
    """A flood of low calls does not postpone the critical ones of the same tenant."""
    scheduler = Scheduler(Policy())
    queue = ModelQueue("model", LatencyModel(1e-3, 1e-3), solo=True)
    flood, other = Tenant("flood", 0), Tenant("other", 1)
    for tenant in (other, flood):  # two tenants: the lane is shared
        scheduler.offer(job_of(tenant, queue, 0.0, 9.0, priority=3), 0.0)
    for _ in range(30):
        assert scheduler.offer(job_of(flood, queue, 0.0, 9.0, priority=3), 0.0) is None
    urgent = job_of(flood, queue, 0.001, 9.0, priority=0)
    late = job_of(other, queue, 0.001, 9.0, priority=1)
    assert scheduler.offer(urgent, 0.001) is None
    assert scheduler.offer(late, 0.001) is None
    order = []
    for _ in range(4):
        batch = scheduler.next_batch(scheduler.inline, 0.002)
        assert batch is not None
        order.append(batch.jobs[0])
        scheduler.finish(batch, scheduler.inline, 1e-3)
    assert order[:2] == [urgent, late]
    assert order[2].tenant is other or order[3].tenant is other
