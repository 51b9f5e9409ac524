"""The settings of the scheduler, and the reasons why it does not admit a job."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Refusal(Enum):
    """Why a job was not admitted."""

    QUEUE_FULL = "queue full"
    DEADLINE_UNREACHABLE = "deadline unreachable"
    TENANT_BUSY = "tenant busy"
    TENANT_QUEUE_FULL = "tenant queue full"


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of the scheduler.

    Attributes:
        jobs_max, bytes_max: bounds of everything that waits.
        slack_s: for each priority, how far behind its arrival the virtual deadline lies at most.
        shares: for each priority, the part of the executor's time it gets under contention.
        batch_rows_max: bound of the rows in one run.
        batch_run_s_max: bound of the predicted time of one run, because nothing else can start
            meanwhile; a single job may exceed it.
        pool_slots: how many pooled runs go on at once.
        apart_slots: how many runs go on at once besides, that wait for other processes.
        shared_run_s_max: what `batch_run_s_max` is while several tenants share the lane.
        wait_part_max: the part of its time left, after its own run, that a job may wait.
    """

    jobs_max: int = 4096
    bytes_max: int = 64 << 20
    slack_s: Sequence[float] = (0.005, 0.020, 0.100, 1.000)
    shares: Sequence[float] = (0.4, 0.3, 0.2, 0.1)
    batch_rows_max: int = 4096
    batch_run_s_max: float = 0.005
    pool_slots: int = 1
    apart_slots: int = 2
    wait_part_max: float = 0.5
    shared_run_s_max: float = 0.0005
