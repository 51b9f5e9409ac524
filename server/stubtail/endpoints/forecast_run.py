"""Runs forecasts: checks the series of a call and has the processes forecast them."""

import logging
from collections.abc import Sequence
from typing import Final

from stubtail.endpoints.forecast_series import Placed, read_tasks
from stubtail.errors import CallError, Code, invalid_field
from stubtail.forecasting.crew import Crew
from stubtail.forecasting.task import Answer, SeriesError, TooSlowError
from stubtail.lane.batch_run import BadRowsError, RunError
from stubtail.lane.job import Job
from stubtail.lane.refusals import inference_error

log = logging.getLogger("stubtail.forecasting")

REPLY_S: Final = 0.003  # the way back: the answer is due so much before the call's deadline


class ForecastRunner:
    """Forecasts the series of one call; the data of its job is an `Asked`.

    Args:
        name: who forecasts.
        version: of the graph; empty without one.
        crew: the processes.
    """

    def __init__(self, name: str, version: str, crew: Crew) -> None:
        self.name = name
        self.version = version
        self.prove = None  # its processes are judged one by one, and replaced
        self._crew = crew

    def assemble(self, jobs: Sequence[Job]) -> tuple[Job, list[Placed]]:
        """The only job and its tasks; raises BadRowsError where a series is wrong."""
        job = jobs[0]
        try:
            return job, read_tasks(job.data, job.deadline_s - REPLY_S)
        except CallError as error:
            raise BadRowsError([(job, error)]) from error

    def run(self, feeds: tuple[Job, Sequence[Placed]]) -> list[tuple[Placed, Answer]]:
        """Each task with its answer; raises RunError with what its caller is told."""
        job, tasks = feeds
        results = self._crew.run([placed.task for placed in tasks], lambda: job.cancelled)
        if job.cancelled:
            raise RunError(CallError(Code.CANCELLED, "", "its caller has gone"))
        answers = []
        for index, (placed, result) in enumerate(zip(tasks, results, strict=True)):
            if isinstance(result, Answer):
                answers.append((placed, result))
            else:
                raise RunError(self._error(index, result)) from result
        return answers

    def _error(self, index: int, failure: Exception) -> CallError:
        if isinstance(failure, SeriesError):
            return invalid_field(f"series[{index}].{failure.field}", failure.problem)
        if isinstance(failure, TooSlowError):
            return CallError(
                Code.DEADLINE_EXCEEDED,
                "EXPIRED_IN_QUEUE",
                f"series[{index}]: {self.name} did not answer within the deadline of the call; "
                'give it more time, send fewer series, or ask for "auto", which fits itself in',
            )
        return inference_error(self.name, self.version)
