"""The lane: takes jobs, runs them in batches and answers each one, whatever happens to the others.

Any thread may offer jobs, and any thread may run a batch: decisions are made under one short lock,
runs are made outside it. Whoever ran a batch asks for the next, so nothing waits without a runner.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from stubtail.errors import Code, draining
from stubtail.lane.batch_run import BatchRun
from stubtail.lane.executor import Batch, Executor
from stubtail.lane.job import Job
from stubtail.lane.model_breakers import ModelBreakers
from stubtail.lane.policy import Refusal
from stubtail.lane.recording import Recorder
from stubtail.lane.refusals import job_error
from stubtail.lane.scheduler import Scheduler

log = logging.getLogger("stubtail.lane")


class Lane:
    """Offers, batches, runs, answers.

    Args:
        scheduler: decides; owned by the lane from now on.
        recorder: takes the measurements.
        clock: monotonic seconds.
        breakers: keep models that fail again and again from being run; None for none.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        recorder: Recorder,
        clock: Callable[[], float],
        breakers: ModelBreakers | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._batch_run = BatchRun(recorder, clock, breakers or ModelBreakers(None, clock, float))
        self._clock = clock
        self._lock = Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closing = False
        self._runners = {scheduler.pool: 0, scheduler.apart: 0}

    @property
    def waiting_jobs(self) -> list[int]:
        """The number of waiting jobs of each priority."""
        columns = (executor.waiting_jobs for executor in self._scheduler.executors)
        return [sum(column) for column in zip(*columns, strict=True)]

    @property
    def inline_waiting(self) -> bool:
        """Whether jobs of fast models wait for somebody to run them."""
        return bool(self._scheduler.inline.queues)

    def start(self) -> None:
        """Makes the pool for slow models; its threads start when they are first needed."""
        slots = sum(executor.slots for executor in self._runners)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="pool")

    def close(self) -> None:
        """Waits for running batches, and answers whatever still waits with UNAVAILABLE."""
        with self._lock:
            self._closing = True
            jobs = self._scheduler.drop_all()
        for job in jobs:
            self._batch_run.refuse([job], draining())
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None

    def offer(self, jobs: Sequence[Job]) -> None:
        """Admits or refuses each job; a refused one is answered before this returns."""
        scheduler = self._scheduler
        now = self._clock()
        refused: list[tuple[Job, Refusal | None]] | None = None
        with self._lock:
            for job in jobs:
                job.decoded_s = job.decoded_s or now
                refusal = scheduler.offer(job, now)
                if refusal is not None:
                    refused = refused or []
                    refused.append((job, refusal))
            if scheduler.dropped:
                refused = [*(refused or ()), *self._take_dropped()]
            slow = self._pool is not None and (scheduler.pool.queues or scheduler.apart.queues)
            runners = self._claim_pool_runners() if slow else ()
        if refused is not None:
            self._answer_dropped(refused)
        for executor in runners:
            self._submit_pool_runner(executor)

    def serve(self, jobs: Sequence[Job]) -> bool:
        """Offers jobs and runs one batch on this thread; False when there was none to run."""
        if len(jobs) == 1:
            with self._lock:
                batch = self._scheduler.take_alone(jobs[0], self._clock())
            if batch is not None:
                self._run_taken(batch, self._scheduler.inline)
                return True
        self.offer(jobs)
        return self.run_inline()

    def run_inline(self) -> bool:
        """Runs one batch of the fast models on this thread; False when there was none to run."""
        return self._run_next(self._scheduler.inline)

    def cancel(self, job: Job) -> None:
        """The caller has gone: the job does not run if it still waits, and is never answered."""
        job.cancelled = True
        with self._lock:
            waited = self._scheduler.cancel(job)
        if waited:
            self._batch_run.record_refusals([job], Code.CANCELLED, "")

    def expire(self) -> None:
        """Answers the waiting jobs whose deadline has passed; called a few times a second."""
        if not self._scheduler.jobs:
            return
        with self._lock:
            self._scheduler.expire(self._clock())
            dropped = self._take_dropped()
        self._answer_dropped(dropped)

    def _run_next(self, executor: Executor) -> bool:
        with self._lock:
            batch = self._scheduler.next_batch(executor, self._clock())
            dropped = self._take_dropped() if self._scheduler.dropped else None
        if dropped:
            self._answer_dropped(dropped)
        if batch is None:
            return False
        self._run_taken(batch, executor)
        return True

    def _run_taken(self, batch: Batch, executor: Executor) -> None:
        try:
            self._batch_run.run(batch)
        finally:
            with self._lock:
                self._scheduler.finish(batch, executor, batch.encoded_s - batch.taken_s)
        if batch.left and not self._closing:
            self.offer(batch.left)
        elif batch.left:
            self._batch_run.refuse(batch.left, draining())

    def _take_dropped(self) -> list[tuple[Job, Refusal | None]]:
        dropped = self._scheduler.dropped
        self._scheduler.dropped = []
        return dropped

    def _answer_dropped(self, dropped: Sequence[tuple[Job, Refusal | None]]) -> None:
        """Those of one kind together: in a storm nearly all are, and must cost next to nothing."""
        alike: list[Job] = []
        kind: Any = None
        for job, refusal in dropped:
            if (job.queue, refusal, job.tenant) != kind:
                self._refuse(alike, kind)
                alike, kind = [], (job.queue, refusal, job.tenant)
            alike.append(job)
        self._refuse(alike, kind)

    def _refuse(self, alike: Sequence[Job], kind: Any) -> None:
        if alike:
            self._batch_run.refuse(alike, job_error(alike[0], kind[1]))

    def _claim_pool_runners(self) -> Sequence[Executor]:
        """Under the lock: whom to start more threads for, one for each waiting job."""
        claimed: list[Executor] = []
        for executor, running in self._runners.items():
            if executor.queues:
                more = min(executor.slots - running, sum(executor.waiting_jobs))
                self._runners[executor] += more
                claimed += [executor] * more
        return claimed

    def _submit_pool_runner(self, executor: Executor) -> None:
        pool = self._pool
        if pool is not None:
            pool.submit(self._run_pooled, executor)

    def _run_pooled(self, executor: Executor) -> None:
        while True:
            try:
                while self._run_next(executor):
                    pass
            except Exception:
                # A defect may cost its batch, never the runner: its slot would be lost for ever.
                log.exception("lane failed")
                continue
            with self._lock:
                # Checked and given up in one step, so that no job is left without a runner.
                if not executor.queues:
                    self._runners[executor] -= 1
                    return
