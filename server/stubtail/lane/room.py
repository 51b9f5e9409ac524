"""Which waiting jobs give up their places for one that has more right to be there; pure."""

from collections.abc import Sequence

from stubtail.lane.job import Job
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.order import due
from stubtail.lane.policy import Policy
from stubtail.lane.priority import PRIORITIES

EVICTIONS_MAX = 16  # one arrival pushes out at most this many lesser jobs


def victims_of(
    job: Job, queues: Sequence[ModelQueue], jobs: int, size_bytes: int, policy: Policy
) -> list[Job] | None:
    """The jobs that leave for `job`; None where that does not make enough room.

    First the latest jobs of classes that hold more than their share of the places, lower classes
    before higher ones. A class within its share may push out any such class, even a higher one:
    places are lent, not given. Then the latest jobs of tenants that hold more than twice as much
    as the newcomer's.

    Args:
        job: the newcomer.
        queues: all with waiting jobs.
        jobs: how many wait.
        size_bytes: what they take.
        policy: the bounds.
    """
    jobs_max, bytes_max = policy.jobs_max, policy.bytes_max
    size_bytes += job.size_bytes
    held = [sum(len(queue.waiting[p]) for queue in queues) for p in PRIORITIES]
    over = [held[p] - int(policy.shares[p] * jobs_max) for p in PRIORITIES]
    lowest = -1 if over[job.priority] < 0 else job.priority
    victims: list[Job] = []
    for priority in reversed(PRIORITIES[lowest + 1 :]):
        latest = _latest(queues, priority)
        evictable = min(over[priority], EVICTIONS_MAX - len(victims))
        while latest and evictable > 0 and (jobs >= jobs_max or size_bytes > bytes_max):
            victim = latest.pop()
            victims.append(victim)
            evictable -= 1
            jobs -= 1
            size_bytes -= victim.size_bytes
    if job.tenant is not None and (jobs >= jobs_max or size_bytes > bytes_max):
        for victim in _of_larger_tenants(job, queues, victims):
            if len(victims) >= EVICTIONS_MAX or not (jobs >= jobs_max or size_bytes > bytes_max):
                break
            victims.append(victim)
            jobs -= 1
            size_bytes -= victim.size_bytes
    return None if jobs >= jobs_max or size_bytes > bytes_max else victims


def _latest(queues: Sequence[ModelQueue], priority: int) -> list[Job]:
    return sorted(
        (lesser for queue in queues for lesser in queue.waiting[priority][-EVICTIONS_MAX:]),
        key=due,
    )


def _of_larger_tenants(job: Job, queues: Sequence[ModelQueue], taken: Sequence[Job]) -> list[Job]:
    """The latest jobs of tenants that hold more than twice what the newcomer's would hold."""
    tenant = job.tenant
    assert tenant is not None
    held = (tenant.waiting_jobs + 1) / tenant.weight
    found = []
    for priority in reversed(PRIORITIES):
        for other in reversed(_latest(queues, priority)):
            owner = other.tenant
            if owner is None or owner is tenant or other in taken:
                continue
            if owner.waiting_jobs / owner.weight > 2.0 * held:
                found.append(other)
    return found
