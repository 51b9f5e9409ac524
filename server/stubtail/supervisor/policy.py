"""When a worker is started again, counts as hung, or is given up: decisions without a clock."""

from collections.abc import Collection

from stubtail.config import SupervisorSettings


class WorkerLife:
    """The history of one worker's place, through all processes that filled it.

    Every method that needs the time takes `now_s`, monotonic seconds.
    """

    def __init__(self, settings: SupervisorSettings) -> None:
        self._settings = settings
        self._started_s = 0.0
        self._heard_s = 0.0
        self._ready_s: float | None = None
        self.failures = 0  # in a row, without a stable time between
        self.ever_ready = False

    @property
    def is_ready(self) -> bool:
        """Whether the present process answers calls."""
        return self._ready_s is not None

    def started(self, now_s: float) -> None:
        """A process was started for this place."""
        self._started_s = self._heard_s = now_s
        self._ready_s = None

    def became_ready(self, now_s: float) -> None:
        """The process answers calls."""
        self._ready_s = self._heard_s = now_s
        self.ever_ready = True

    def heard(self, now_s: float, age_s: float) -> None:
        """A sign of life came; `age_s` is how long ago its quietest part gave its own."""
        self._heard_s = max(self._heard_s, now_s - age_s)

    def ended(self, now_s: float) -> float:
        """The process ended unasked; returns when to start the next one."""
        settings = self._settings
        if self._ready_s is not None and now_s - self._ready_s >= settings.stable_after_ms / 1e3:
            self.failures = 0
        self.failures += 1
        self._ready_s = None
        wait_ms = settings.restart_backoff_min_ms << min(self.failures - 1, 32)
        return now_s + min(wait_ms, settings.restart_backoff_max_ms) / 1e3

    def hung(self, now_s: float) -> str | None:
        """Why the process must be killed; None while all is well."""
        settings = self._settings
        if self._ready_s is None:
            if now_s - self._started_s > settings.start_timeout_ms / 1e3:
                return (
                    f"not ready after {settings.start_timeout_ms} ms "
                    "(setting supervisor.start_timeout_ms)"
                )
            return None
        if now_s - self._heard_s > settings.heartbeat_timeout_ms / 1e3:
            return (
                f"no sign of life for {settings.heartbeat_timeout_ms} ms "
                "(setting supervisor.heartbeat_timeout_ms)"
            )
        return None


def may_announce(lives: Collection[WorkerLife]) -> bool:
    """Whether to print the ready line: all are ready, or some are and the rest has failed."""
    return any(life.is_ready for life in lives) and all(
        life.is_ready or life.failures for life in lives
    )


def must_give_up(lives: Collection[WorkerLife], attempts_max: int) -> bool:
    """Whether the start has failed: no worker ever was ready and each failed often enough."""
    return all(not life.ever_ready and life.failures >= attempts_max for life in lives)
