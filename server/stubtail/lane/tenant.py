"""One tenant's part of the lane: what it may hold, and what it holds now."""


class Tenant:
    """Bounds and accounts of one tenant; the accounts belong to the scheduler, under its lock.

    Args:
        name: as callers' credentials say it; "" is everybody without one.
        index: 0, 1, ...; for tables.
        weight: its part of a contended lane, against the weights of the others.
        queue_share: the most of all waiting places and bytes that it may take, above 0 to 1.
        work_max: most of its calls that may be at work at a time.

    Attributes:
        running: how many of its jobs run.
        calls: how many of its calls are at work elsewhere than on the lane; counted by the event
            loop, and only read here.
        waiting_jobs, waiting_bytes: what waits.
        backlog_s: for each priority the predicted time of the rows that wait.
        last_due_s: for each priority when the last of them is due.
    """

    __slots__ = (
        "backlog_s",
        "calls",
        "index",
        "last_due_s",
        "name",
        "queue_share",
        "running",
        "waiting_bytes",
        "waiting_jobs",
        "weight",
        "work_max",
    )

    def __init__(
        self,
        name: str,
        index: int = 0,
        weight: float = 1.0,
        queue_share: float = 1.0,
        work_max: int = 1 << 30,
    ) -> None:
        self.name = name
        self.index = index
        self.weight = weight
        self.queue_share = queue_share
        self.work_max = work_max
        self.running = 0
        self.calls = 0
        self.waiting_jobs = 0
        self.waiting_bytes = 0
        self.backlog_s = [0.0] * 4
        self.last_due_s = [0.0] * 4

    @property
    def busy(self) -> bool:
        """Whether as many of its calls are at work as may be, here and elsewhere."""
        return self.waiting_jobs + self.running + self.calls >= self.work_max
