"""Joins the rows of many jobs into the feeds of one run, and refuses the rows a model forbids."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stubtail.endpoints.row_rules import BadCell, ChangedCells, Ends, RowRules
from stubtail.endpoints.warnings import warnings_by_call
from stubtail.errors import CallError, invalid_field
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.job import Job
from stubtail.models.errors import RunFailed
from stubtail.models.session import LoadedModel
from stubtail.models.synthetic import Array

Feeds = Mapping[str, Array]


class PackedRunner:
    """For a graph with one input of a fixed-width type: a job's data is a buffer of its rows.

    The buffers are joined and viewed as one array, so no row is touched in Python.

    Args:
        model: what runs.
        shape: the shape of one row, without free dimensions.
        rules: what the manifest allows in a row; None without features.
    """

    def __init__(self, model: LoadedModel, shape: tuple[int, ...], rules: RowRules | None) -> None:
        spec = model.signature.inputs[0]
        self.name = model.key
        self.version = model.version
        self.run = checked(model) if model.signature.batchable else model.run
        self.prove = proof(model)
        self._input = spec.name
        self._dtype = spec.dtype
        self._shape = (-1, *shape)
        self._rules = rules

    def assemble(self, jobs: Sequence[Job]) -> Feeds:
        """One array with the rows of all jobs in order; raises BadRowsError."""
        data = jobs[0].data if len(jobs) == 1 else b"".join([job.data for job in jobs])
        rows = np.frombuffer(data, self._dtype).reshape(self._shape)
        if self._rules is not None and not self._rules.accepts(rows):
            ends = np.cumsum([job.rows for job in jobs])
            rows, bad, changes = self._rules.conform(rows, ends)
            if bad:
                raise BadRowsError(_by_job(jobs, ends, bad))
            _warn(jobs, ends, changes)
        return {self._input: rows}


class ArraysRunner:
    """For every other graph: a job's data is a list with one array for each input."""

    def __init__(self, model: LoadedModel) -> None:
        self.name = model.key
        self.version = model.version
        self.run = checked(model) if model.signature.batchable else model.run
        self.prove = proof(model)
        self._inputs = [spec.name for spec in model.signature.inputs]

    def assemble(self, jobs: Sequence[Job]) -> Feeds:
        """The arrays of all jobs, joined along the rows."""
        if len(jobs) == 1:
            return dict(zip(self._inputs, jobs[0].data, strict=True))
        columns = zip(*[job.data for job in jobs], strict=True)
        return {
            name: np.concatenate(arrays) for name, arrays in zip(self._inputs, columns, strict=True)
        }


def checked(model: LoadedModel) -> Callable[[Feeds], list[Array]]:
    """Runs that answer every row: one row less, and the answers of a batch would be exchanged."""
    run, first = model.run, model.signature.inputs[0].name

    def run_checked(feeds: Feeds) -> list[Array]:
        outputs = run(feeds)
        rows = len(feeds[first])
        for output in outputs:
            if len(output) != rows:
                raise RunFailed(model.name, f"{rows} rows in, {len(output)} rows out")
        return outputs

    return run_checked


def proof(model: LoadedModel) -> Callable[[], bool] | None:
    """Tells whether the model still answers the row that it was warmed with; None without one."""
    row, run = model.example, model.run
    if row is None:
        return None

    def prove() -> bool:
        try:
            run(row)
        except RunFailed:
            return False
        return True

    return prove


def _warn(jobs: Sequence[Job], ends: Ends, changes: Sequence[ChangedCells]) -> None:
    """Ends the replies of jobs whose rows were changed with warnings, where they can carry them.

    Such replies have no other ending, so that it may be set again when a batch is run again.
    """
    for index, warnings in warnings_by_call(changes, ends).items():
        job = jobs[index]
        if getattr(job.encoder, "warns", False):
            job.suffix = warnings


def _by_job(jobs: Sequence[Job], ends: Ends, bad: Sequence[BadCell]) -> list[tuple[Job, CallError]]:
    """The job that each bad row belongs to, and its error."""
    errors = []
    for row, feature, problem in bad:
        index = int(np.searchsorted(ends, row, side="right"))
        job = jobs[index]
        row_of_job = row - (int(ends[index]) - job.rows)
        errors.append((job, invalid_field(f"rows[{row_of_job}].{feature}", problem)))
    return errors
