"""Keeps tenants from each other's way: what each may hold, and who goes first; pure.

A job of a tenant with a backlog is ordered as if it had come later, by a multiple of what that
backlog takes. Whoever sends no more than its part has no backlog and is ordered by class and
arrival alone, ahead of all that others have piled up; and as every job keeps the place that it got,
nobody waits for ever. Measuring by the backlog corrects itself: it shrinks only as work is really
done, whatever was predicted (compare Golestani, self-clocked fair queueing, INFOCOM 1994). Only
work of the same class and above counts as backlog: a tenant's urgent calls pass its own others.
"""

from collections.abc import Iterable

from stubtail.lane.executor import Batch
from stubtail.lane.job import Job
from stubtail.lane.policy import Policy, Refusal
from stubtail.lane.tenant import Tenant

# So many times its backlog a job comes later: isolates while the tenant is left with at least a
# twentieth of the lane, and a flood is paid for within two seconds (20 times the 0.1 s that wait).
DELAY = 20.0
BURST_S = 0.0005  # a backlog of so little, at a weight of 1, is none: calls come in waves
# Of the time that other jobs may wait: others will still come and go before a postponed one.
POSTPONED_PART = 0.25
MIXED_S = 60.0  # for so long after jobs of several tenants came, they count as sharing the lane


class Fairness:
    """The accounts of the tenants that have jobs.

    Attributes:
        used: whether any job had a tenant; nothing here costs anything before.
        mixed_until_s: until then several tenants count as sharing the lane.
    """

    __slots__ = ("_bytes_max", "_jobs_max", "_last", "_policy", "mixed_until_s", "used")

    def __init__(self, policy: Policy) -> None:
        self.used = False
        self._policy = policy
        self._last: Tenant | None = None  # the tenant of the job before, and what it may have
        self._jobs_max = self._bytes_max = 0.0
        self.mixed_until_s = 0.0

    def refusal(self, job: Job, tenant: Tenant, now: float) -> Refusal | None:
        """Why the tenant may not have another job here; None where it may."""
        if tenant is not self._last:
            self._meet(tenant, now)
        waiting = tenant.waiting_jobs
        if waiting + tenant.running + tenant.calls >= tenant.work_max:
            return Refusal.TENANT_BUSY
        # The first job may always wait: a share of a small queue can be less than one place.
        if waiting and (
            waiting >= self._jobs_max or tenant.waiting_bytes + job.size_bytes > self._bytes_max
        ):
            return Refusal.TENANT_QUEUE_FULL
        return None

    def _meet(self, tenant: Tenant, now: float) -> None:
        """The next job is another tenant's than the one before."""
        if self._last is not None:
            self.mixed_until_s = now + MIXED_S
        self._last = tenant
        self._jobs_max = tenant.queue_share * self._policy.jobs_max
        self._bytes_max = tenant.queue_share * self._policy.bytes_max
        self.used = True

    def due_s(self, job: Job, tenant: Tenant, due_s: float) -> float:
        """When the job is due, given when it would be without others; notes if it is postponed.

        To be asked while several tenants share the lane.
        """
        if not tenant.waiting_jobs:
            return due_s
        ahead_s = sum(tenant.backlog_s[: job.priority + 1]) / tenant.weight - BURST_S
        if ahead_s <= 0.0:
            return due_s
        job.postponed = True
        due_s += DELAY * ahead_s
        if tenant.backlog_s[job.priority] > 0.0:  # a tenant's own jobs stay in their order
            due_s = max(due_s, tenant.last_due_s[job.priority])
        return due_s

    def run_s_max(self, now: float) -> float:
        """About how long a run may take: less while several tenants share the lane."""
        policy = self._policy
        if now >= self.mixed_until_s:
            return policy.batch_run_s_max
        return min(policy.shared_run_s_max, policy.batch_run_s_max)

    def waits(self, job: Job, tenant: Tenant) -> None:
        """Books an admitted job in."""
        tenant.waiting_jobs += 1
        tenant.waiting_bytes += job.size_bytes
        tenant.backlog_s[job.priority] += job.cost_s
        tenant.last_due_s[job.priority] = job.due_s

    def left(self, jobs: Iterable[Job]) -> None:
        """Books jobs out of the queue, to run: they are still their tenants' work."""
        for job in jobs:
            tenant = job.tenant
            if tenant is not None:
                self._leave(tenant, 1, job.size_bytes, job.priority, job.cost_s)

    def left_together(self, batch: Batch, priority: int) -> None:
        """As `left`, for everything that waits in a queue, all of one class; before it is gone."""
        queue = batch.queue
        batch.tenant = tenant = queue.tenant
        if tenant is None:
            self.left(batch.jobs)
        else:
            count = len(batch.jobs)
            self._leave(tenant, count, queue.bytes_waiting, priority, queue.cost_s[priority])

    def _leave(
        self, tenant: Tenant, jobs: int, size_bytes: int, priority: int, cost_s: float
    ) -> None:
        tenant.running += jobs
        tenant.waiting_jobs -= jobs
        tenant.waiting_bytes -= size_bytes
        tenant.backlog_s[priority] -= cost_s
        if not tenant.waiting_jobs:
            tenant.backlog_s = [0.0] * 4  # and with it the rounding errors of the sums

    def ended(self, jobs: Iterable[Job]) -> None:
        """Books out jobs that ran, or that were to run."""
        for job in jobs:
            if job.tenant is not None:
                job.tenant.running -= 1

    def ended_together(self, batch: Batch) -> None:
        """As `ended`, for the jobs of a batch."""
        if batch.tenant is None:
            self.ended(batch.jobs)
        else:
            batch.tenant.running -= len(batch.jobs)
