"""What a lane is tested with: a clock that is set, a model that obeys, and callers that listen."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from stubtail.breaker import BreakerOptions
from stubtail.errors import CallError, Code, invalid_field
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.job import Job, Trailing
from stubtail.lane.lane import Lane
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_breakers import ModelBreakers
from stubtail.lane.model_queue import ModelQueue
from stubtail.lane.policy import Policy
from stubtail.lane.priority import NORMAL
from stubtail.lane.scheduler import Scheduler

MISSING = "missing"  # a row that the rules of a model forbid
POISON = "poison"  # a row that makes the model fail
UNSPEAKABLE = "unspeakable"  # a row whose answer cannot be encoded


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


class PuppetModel:
    """Answers each row with the row in capitals, and notes what was run.

    Args:
        clock: moves on by `run_s` in each run.
        run_s: how long a run takes.
    """

    name = "puppet"
    version = "1"

    def __init__(self, clock: Clock, run_s: float = 0.001) -> None:
        self.runs: list[list[str]] = []
        self.proofs = 0
        self.well = True
        self.before_run: Callable[[], None] = lambda: None
        self._clock = clock
        self.run_s = run_s

    def assemble(self, jobs: Sequence[Job]) -> list[str]:
        """The rows of all jobs."""
        bad = [
            (job, invalid_field(f"rows[{job.data.index(MISSING)}]", "is missing"))
            for job in jobs
            if MISSING in job.data
        ]
        if bad:
            raise BadRowsError(bad)
        return [row for job in jobs for row in job.data]

    def prove(self) -> bool:
        """Whether it answers the row that it was warmed with."""
        self.proofs += 1
        return self.well

    def run(self, feeds: list[str]) -> list[list[str]]:
        """The answers."""
        self.runs.append(feeds)
        self.before_run()
        self._clock.now += self.run_s
        if POISON in feeds or not self.well:
            raise RuntimeError("secret of the runtime")
        return [[row.upper() for row in feeds]]


class PuppetEncoder:
    """Joins the answers of a job."""

    def __init__(self) -> None:
        self.prepared = 0

    def prepare(self, outputs: Sequence[Any]) -> Any:
        """Counts the batches."""
        self.prepared += 1
        return outputs[0]

    def encode(self, prepared: Any, first: int, end: int, job: Job) -> bytes:
        """The rows of the job."""
        rows = prepared[first:end]
        if UNSPEAKABLE.upper() in rows:
            raise ValueError("cannot be said")
        return ",".join(rows).encode() + job.suffix


class Callers:
    """Every end of every call, in order."""

    def __init__(self) -> None:
        self.ends: list[tuple[Any, Any]] = []
        self.trailing: dict[Any, Trailing | None] = {}
        self._told = threading.Semaphore(0)

    def respond(self, call: Any, payload: bytes, trailing: Trailing | None) -> None:
        """An answer."""
        self.ends.append((call, payload.decode()))
        self.trailing[call] = trailing
        self._told.release()

    def fail(self, call: Any, error: CallError) -> None:
        """An error."""
        self.ends.append((call, error))
        self._told.release()

    def wait(self, count: int = 1) -> None:
        """Until so many more calls have ended."""
        for _ in range(count):
            assert self._told.acquire(timeout=10.0), "a call did not end"

    def end(self, call: Any) -> Any:
        """The only end of a call: its payload, or the reason of its error."""
        found = [end for other, end in self.ends if other == call]
        assert len(found) == 1, f"call {call} ended {len(found)} times: {found}"
        return found[0].reason if isinstance(found[0], CallError) else found[0]


class Notes:
    """What the lane told the recorder."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, list[Any], int]] = []
        self.times: list[tuple[float, float, float, float]] = []
        self.refusals: list[tuple[int, str]] = []

    def record_batch(
        self,
        model: str,
        version: str,
        status: int,
        jobs: Sequence[Job],
        rows: int,
        started_s: float,
        ran_s: float,
        encoded_s: float,
        predicted_s: float,
    ) -> None:
        """Status, calls and rows, and the times."""
        assert (model, version) == ("puppet", "1")
        self.batches.append((status, [job.call for job in jobs], rows))
        self.times.append((started_s, ran_s, encoded_s, predicted_s))

    def record_refusals(
        self,
        model: str,
        version: str,
        status: int,
        reason: str,
        priorities: Sequence[int],
        totals_s: Sequence[float],
    ) -> None:
        """Status and reason, once for each job."""
        assert (model, version) == ("puppet", "1")
        assert len(priorities) == len(totals_s) > 0
        assert min(totals_s) >= 0.0
        self.refusals += [(status, reason)] * len(totals_s)


class Stage:
    """A lane with all its puppets."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        pooled: bool = False,
        apart: bool = False,
        breakers: Callable[[], BreakerOptions] | None = None,
    ) -> None:
        self.clock = Clock()
        self.model = PuppetModel(self.clock)
        self.callers = Callers()
        self.notes = Notes()
        self.encoder = PuppetEncoder()
        self.scheduler = Scheduler(policy or Policy())
        self.breakers = ModelBreakers(breakers, self.clock, float)
        self.lane = Lane(self.scheduler, self.notes, self.clock, self.breakers)
        self.queue = ModelQueue(self.model, LatencyModel(0.001, 1e-6), pooled=pooled, apart=apart)

    def job(
        self, call: Any, *rows: str, priority: int = NORMAL, within_s: float = 5.0, **changes: Any
    ) -> Job:
        """A job of these rows that arrives now."""
        job = Job(self.queue, len(rows), list(rows), 100, priority, self.encoder)
        job.replies = self.callers
        job.call = call
        job.arrived_s = self.clock.now
        job.deadline_s = self.clock.now + within_s
        for name, value in changes.items():
            setattr(job, name, value)
        return job

    def run_all(self) -> int:
        """Runs batches until there is none; how many there were."""
        count = 0
        while self.lane.run_inline():
            count += 1
        return count

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left anywhere: no job, no batch, no sum."""
        scheduler = self.scheduler
        executors = scheduler.executors
        return (
            not any(executor.running for executor in executors)
            and (scheduler.jobs, scheduler.size_bytes, scheduler.dropped) == (0, 0, [])
            and not any(executor.queues or executor.queued_s for executor in executors)
            and self.lane.waiting_jobs == [0, 0, 0, 0]
        )


OK = int(Code.OK)
INTERNAL = int(Code.INTERNAL)
