"""Runs a batch and answers each of its jobs, whatever happens to the others."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from stubtail.errors import CallError, Code, server_defect
from stubtail.lane.executor import Batch
from stubtail.lane.job import Job, Trailing
from stubtail.lane.model_breakers import ModelBreakers
from stubtail.lane.refusals import inference_error

log = logging.getLogger("stubtail.lane")

ISOLATION_RUNS_MAX = 64  # runs spent on finding the poisoned rows of one batch


class BadRowsError(Exception):
    """Some jobs of a batch carry values that the model forbids; the others are fine.

    Args:
        errors: the jobs and what is wrong with each.
    """

    def __init__(self, errors: Sequence[tuple[Job, CallError]]) -> None:
        super().__init__(f"{len(errors)} calls have forbidden values")
        for _, error in errors:
            error.forget()  # the frames that it passed hold this list, and with it the jobs
        self.errors = errors


class RunError(Exception):
    """A run failed, and callers are to know more than that the queue's model did.

    Args:
        error: what the jobs that fail alone are answered.
    """

    def __init__(self, error: CallError) -> None:
        super().__init__(error.message)
        self.error = error


class Runner(Protocol):
    """What a queue's `model` must offer."""

    name: str
    version: str

    def assemble(self, jobs: Sequence[Job]) -> Any:
        """The feeds of one run, with the rows of the jobs in order; raises BadRowsError."""

    def run(self, feeds: Any) -> Sequence[Any]:
        """The outputs, each with as many rows as the feeds."""


class Recorder(Protocol):
    """Where the lane tells what happened; called once for a batch, not for a job."""

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
        """These jobs of a batch were answered with this status."""

    def record_refusal(
        self, model: str, version: str, priority: int, status: int, total_s: float, reason: str
    ) -> None:
        """A job was answered without a run."""


class BatchRun:
    """Runs batches; stateless between them, so that any number of threads may use it.

    Args:
        recorder: takes the measurements.
        clock: monotonic seconds.
        breakers: keep models that fail again and again from being run.
    """

    def __init__(
        self, recorder: Recorder, clock: Callable[[], float], breakers: ModelBreakers
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._breakers = breakers

    def run(self, batch: Batch) -> None:
        """Runs the batch and answers all its jobs, whatever fails; sets its times."""
        try:
            self._run(batch)
        except Exception:
            log.exception("batch failed", extra={"model": batch.queue.model.name})
            error = server_defect()
            for job in batch.jobs:
                with suppress(Exception):  # the others still need their answers
                    job.replies.fail(job.call, error)  # nothing happens to those that have theirs
            batch.encoded_s = self._clock()

    def _run(self, batch: Batch) -> None:
        batch.started_s = self._clock()
        if self._breakers.watched:
            self._run_watched(batch)
        elif self._run_jobs(batch, batch.jobs) is False:
            model = batch.queue.model
            self._breakers.failed(model.name, model.version, None)

    def _run_watched(self, batch: Batch) -> None:
        """Runs what the breaker of the model lets pass; some model has failed lately."""
        breakers, model = self._breakers, batch.queue.model
        verdict = breakers.admit(model.name, model.version)
        permit = verdict.permit if verdict is not None else None
        jobs: Sequence[Job] = batch.jobs
        try:
            if verdict is not None and verdict.error is not None:
                jobs = jobs[:1] if verdict.alone else ()
                for job in batch.jobs[len(jobs) :]:
                    self.fail(job, verdict.error)
                batch.encoded_s = self._clock()
            well = self._run_jobs(batch, jobs) if jobs else None
        except BaseException:
            if permit is not None:  # a probe that is never settled is the last one
                breakers.dropped(permit)
            raise
        if well is False:
            breakers.failed(model.name, model.version, permit)
        elif permit is not None:
            if well:
                breakers.succeeded(model.name, model.version, permit)
            else:
                breakers.dropped(permit)

    def _run_jobs(self, batch: Batch, jobs: Sequence[Job]) -> bool | None:
        """Runs jobs of a batch and answers them: whether it went well; None if nothing was run."""
        runner: Runner = batch.queue.model
        try:
            try:
                feeds = runner.assemble(jobs)
            except BadRowsError as bad:
                jobs = self._refuse_bad_rows(batch, jobs, bad)
                if not jobs:
                    return None
                feeds = runner.assemble(jobs)
            outputs = runner.run(feeds)
            batch.ran_s = self._clock()
        except Exception as failure:
            batch.ran_s = self._clock()
            if _blames_model(failure):
                told = {"model": runner.name, "version": runner.version}
                log.exception("run failed", extra=told | {"rows": batch.rows, "calls": len(jobs)})
            return self._isolate(batch, jobs, failure)
        # Only what a clean run took says how long the next one will take.
        batch.learned_rows = (
            sum([job.rows for job in jobs]) if jobs is not batch.jobs else batch.rows
        )
        self._answer(batch, jobs, outputs)
        return True

    def _answer(self, batch: Batch, jobs: Sequence[Job], outputs: Sequence[Any]) -> None:
        """Encodes, notes and sends: who has an answer finds it in the statistics."""
        replies = self._encode(jobs, outputs)
        batch.encoded_s = self._clock()
        if len(replies) < len(jobs):  # cancelled meanwhile, or failed and noted so
            jobs = [job for job, _ in replies]
        if jobs:
            self._record(batch, jobs, Code.OK)
        for job, payload in replies:
            trailing = self._timing(batch, job) if job.timed else None
            job.replies.respond(job.call, payload, trailing)

    def _encode(self, jobs: Sequence[Job], outputs: Sequence[Any]) -> list[tuple[Job, bytes]]:
        """The reply of each job; a defect in one reply stays with its job."""
        replies: list[tuple[Job, bytes]] = []
        encoder = prepared = None
        prepared_by: dict[int, Any] = {}  # callers of two methods take turns within one batch
        end = 0
        for job in jobs:
            first, end = end, end + job.rows
            if job.cancelled:
                self.record_refusal(job, Code.CANCELLED, "")
                continue
            try:
                if job.encoder is not encoder:
                    encoder = job.encoder
                    prepared = prepared_by.get(id(encoder))
                    if prepared is None:
                        prepared = prepared_by[id(encoder)] = encoder.prepare(outputs)
                replies.append((job, encoder.encode(prepared, first, end, job)))
            except Exception:
                log.exception("reply could not be encoded", extra={"model": job.queue.model.name})
                self.fail(job, server_defect())
        return replies

    def _timing(self, batch: Batch, job: Job) -> Trailing:
        """What the caller asked for with `stubtail-timing: 1`; times in microseconds."""
        phases = (
            ("queue", batch.started_s - job.decoded_s),
            ("decode", job.decoded_s - job.arrived_s),
            ("run", batch.ran_s - batch.started_s),
            ("encode", batch.encoded_s - batch.ran_s),
        )
        text = ";".join(f"{name}={max(seconds, 0.0) * 1e6:.0f}" for name, seconds in phases)
        return (("stubtail-timing", f"{text};batch_rows={batch.rows}"),)

    def _refuse_bad_rows(self, batch: Batch, jobs: Sequence[Job], bad: BadRowsError) -> list[Job]:
        refused = {id(job) for job, _ in bad.errors}
        for job, error in bad.errors:
            self.fail(job, error)
        batch.encoded_s = self._clock()
        return [job for job in jobs if id(job) not in refused]

    def _isolate(self, batch: Batch, jobs: Sequence[Job], failure: Exception) -> bool | None:
        """The run failed: halves are run again until the jobs that make it fail stand alone.

        Whether any of them was answered; None where none was, and the model is not to blame.
        """
        well = False if _blames_model(failure) else None
        runner: Runner = batch.queue.model
        parts: list[Sequence[Job]] = [jobs]
        runs = 0
        while parts:
            part = parts.pop()
            if len(part) == len(jobs) and len(part) > 1:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
                continue
            if (len(part) == 1 and len(jobs) == 1) or runs >= ISOLATION_RUNS_MAX:
                self._fail_part(batch, part, failure)
                continue
            runs += 1
            try:
                outputs = runner.run(runner.assemble(part))
                batch.ran_s = self._clock()
            except Exception as failed:  # noqa: BLE001 - logged above; the rest must live
                if len(part) == 1:
                    self._fail_part(batch, part, failed)
                else:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                continue
            well = True
            self._answer(batch, part, outputs)
        return well

    def _fail_part(self, batch: Batch, jobs: Sequence[Job], failure: Exception) -> None:
        model = batch.queue.model
        if isinstance(failure, RunError):
            error = failure.error
        else:
            error = inference_error(model.name, model.version)
        batch.encoded_s = self._clock()
        self._record(batch, jobs, error.code)
        for job in jobs:
            job.replies.fail(job.call, error)

    def fail(self, job: Job, error: CallError) -> None:
        """Answers a job that did not run."""
        self.record_refusal(job, error.code, error.reason)
        job.replies.fail(job.call, error)

    def _record(self, batch: Batch, jobs: Sequence[Job], status: Code) -> None:
        model = batch.queue.model
        rows = batch.rows if jobs is batch.jobs else sum(job.rows for job in jobs)
        self._recorder.record_batch(
            model.name,
            model.version,
            int(status),
            jobs,
            rows,
            batch.started_s,
            batch.ran_s,
            batch.encoded_s,
            batch.predicted_s,
        )

    def record_refusal(self, job: Job, status: Code, reason: str) -> None:
        """Notes a job that was not run."""
        model = job.queue.model
        total_s = self._clock() - job.arrived_s
        self._recorder.record_refusal(
            model.name, model.version, job.priority, int(status), total_s, reason
        )


def _blames_model(failure: Exception) -> bool:
    """Whether a failed run speaks against the model: a deadline or a caller's mistake does not."""
    return not isinstance(failure, RunError) or failure.error.code == Code.INTERNAL
