"""What is done about a run that failed: which parts of its batch are run again, and what is told.

Halves at first: of many calls one is found in twice the logarithm of runs. Where many fail, halves
find nobody, so that after a few of them each call that is left runs alone: whoever sends rows that
fail, in whatever number, costs the others time and never their answers. What a search that took too
long has left goes back to its queue, to run alone, in turns with the calls of other models.
"""

import logging
from collections.abc import Sequence
from typing import Final

from stubtail.lane.executor import Batch
from stubtail.lane.job import Job

log = logging.getLogger("stubtail.lane")

HALVINGS_MAX: Final = 32  # of one batch; finds about five calls that fail among hundreds
RUNS_MAX: Final = 1024  # of one batch, alone ones included: others wait for all of them
ALONE_S: Final = 0.25  # then calls of that queue share no run: four such searches a second at most
SEARCH_S: Final = 1.0  # a run of a slow model takes long, and others wait for the same thread
SILENT_S: Final = 0.2  # between two logged failures of a queue: a traceback costs more than a run


def log_failure(batch: Batch, calls: int, failure: Exception) -> None:
    """Logs what ended a run, unless a failure of its queue has just been logged."""
    queue = batch.queue
    if batch.ran_s < queue.silent_until_s:
        queue.untold += 1
        return
    told = {"model": queue.model.name, "version": queue.model.version}
    told |= {"rows": batch.rows, "calls": calls, "untold": queue.untold}
    log.error("run failed", exc_info=failure, extra=told)
    queue.silent_until_s, queue.untold = batch.ran_s + SILENT_S, 0


class Search:
    """The parts of a batch that are still to be run, the first calls first.

    Args:
        jobs: of a run that failed, at least two.
        until_s: when it ends at the latest, on the lane's clock.
    """

    def __init__(self, jobs: Sequence[Job], until_s: float) -> None:
        self._until_s = until_s
        self._parts: list[Sequence[Job]] = []
        self._halvings = 0
        self._runs = 0
        self.failed(jobs)

    def next(self, now_s: float) -> Sequence[Job] | None:
        """The calls to run together now; None at the end, or at the bound."""
        if not self._parts or self._runs >= RUNS_MAX or now_s >= self._until_s:
            return None
        self._runs += 1
        return self._parts.pop()

    def failed(self, part: Sequence[Job]) -> bool:
        """A run of these has failed: whether they are a single call, which is to blame then."""
        if len(part) == 1:
            return True
        if self._halvings < HALVINGS_MAX:
            self._halvings += 1
            half = len(part) // 2
            self._parts += [part[half:], part[:half]]
        else:
            self._parts += [[job] for job in reversed(part)]
        return False

    @property
    def left(self) -> Sequence[Job]:
        """The calls that are not run any more, first ones first."""
        return [job for part in reversed(self._parts) for job in part]
