"""Runs a batch and answers each of its jobs, whatever happens to the others."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from stubtail.errors import CallError, Code, server_defect
from stubtail.lane.executor import Batch
from stubtail.lane.isolation import ALONE_S, SEARCH_S, Search, log_failure
from stubtail.lane.job import TIMING_KEY, Job, Trailing
from stubtail.lane.model_breakers import ModelBreakers
from stubtail.lane.order import split_expired
from stubtail.lane.recording import Recorder
from stubtail.lane.refusals import expired_error, inference_error

log = logging.getLogger("stubtail.lane")


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
    """What a queue's `model` must offer.

    Attributes:
        prove: whether the model answers the rows that it was warmed with; None where none are
            known. Then nothing tells a failing model from failing rows, and it has no breaker.
    """

    name: str
    version: str
    prove: Callable[[], bool] | None

    def assemble(self, jobs: Sequence[Job]) -> Any:
        """The feeds of one run, with the rows of the jobs in order; raises BadRowsError."""

    def run(self, feeds: Any) -> Sequence[Any]:
        """The outputs, each with as many rows as the feeds."""


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
            self._breakers.judge(batch.queue.model, None)

    def _run_watched(self, batch: Batch) -> None:
        """Runs a batch if the breaker of its model lets it; some model has failed lately."""
        breakers, model = self._breakers, batch.queue.model
        verdict = breakers.admit(model)
        permit = verdict.permit
        if verdict.error is not None:
            self.refuse(batch.jobs, verdict.error)
            batch.encoded_s = self._clock()
            return
        try:
            well = self._run_jobs(batch, batch.jobs)
            if well is False:
                breakers.judge(model, permit)
            elif well and permit is not None:
                breakers.succeeded(model, permit)
        finally:
            if permit is not None:  # settled by now, unless nothing is known of the model
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
        except Exception as failure:  # noqa: BLE001 - logged or told, and the rest must live
            batch.ran_s = self._clock()
            if _blames_model(failure):
                log_failure(batch, len(jobs), failure)
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
                self.record_refusals([job], Code.CANCELLED, "")
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
                self.refuse([job], server_defect())
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
        return ((TIMING_KEY, f"{text};batch_rows={batch.rows}"),)

    def _refuse_bad_rows(self, batch: Batch, jobs: Sequence[Job], bad: BadRowsError) -> list[Job]:
        refused = {id(job) for job, _ in bad.errors}
        for job, error in bad.errors:
            self.refuse([job], error)
        batch.encoded_s = self._clock()
        return [job for job in jobs if id(job) not in refused]

    def _isolate(self, batch: Batch, jobs: Sequence[Job], failure: Exception) -> bool | None:
        """The run failed: parts are run again until the jobs that make it fail stand alone.

        Whether any of them was answered; None where none was, and the model is not to blame.
        """
        well = False if _blames_model(failure) else None
        if len(jobs) == 1:
            self._fail_part(batch, jobs, failure)
            return well
        runner: Runner = batch.queue.model
        began_s = batch.ran_s
        search = Search(jobs, began_s + SEARCH_S)
        while (part := search.next(self._clock())) is not None:
            part = self._awaited(part)
            if not part:
                continue
            try:
                outputs = runner.run(runner.assemble(part))
                batch.ran_s = self._clock()
            except Exception as failed:  # noqa: BLE001 - logged above; the rest must live
                if search.failed(part):
                    self._fail_part(batch, part, failed)
                continue
            well = True
            self._answer(batch, part, outputs)
        batch.left, batch.encoded_s = self._awaited(search.left), self._clock()
        spent_s = batch.encoded_s - began_s
        batch.queue.alone_until_s = batch.encoded_s + max(ALONE_S, spent_s)
        return well

    def _awaited(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Those that may still start; the time of the others has passed in the search."""
        alive, expired = split_expired(jobs, self._clock())
        if expired:
            self.refuse(expired, expired_error(expired[0].queue.model.name))
        gone = [job for job in alive if job.cancelled]
        if gone:
            self.record_refusals(gone, Code.CANCELLED, "")
            alive = [job for job in alive if job not in gone]
        return alive

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

    def refuse(self, jobs: Sequence[Job], error: CallError) -> None:
        """Answers jobs of one queue that did not run."""
        self.record_refusals(jobs, error.code, error.reason)
        for job in jobs:
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

    def record_refusals(self, jobs: Sequence[Job], status: Code, reason: str) -> None:
        """Notes jobs of one queue that were not run."""
        model, now = jobs[0].queue.model, self._clock()
        self._recorder.record_refusals(
            model.name,
            model.version,
            int(status),
            reason,
            bytes([job.priority for job in jobs]),
            [now - job.arrived_s for job in jobs],
        )


def _blames_model(failure: Exception) -> bool:
    """Whether a failed run speaks against the model: a deadline or a caller's mistake does not."""
    return not isinstance(failure, RunError) or failure.error.code == Code.INTERNAL
