"""Runs decisions: the rows of many calls in one run, in a queue that tells what they cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stubtail.decisions.changes import Candidates
from stubtail.decisions.types import PASS_S
from stubtail.endpoints.decide_context import Context
from stubtail.endpoints.runners import checked, proof
from stubtail.errors import CallError
from stubtail.lane.batch_run import BadRowsError
from stubtail.lane.job import Job
from stubtail.models.session import LoadedModel
from stubtail.models.synthetic import Array

# Making a candidate, ranking it and writing it into the reply; corrected by the first batches.
CANDIDATE_S = 0.5e-6


@dataclass(frozen=True, slots=True)
class Asked:
    """The data of a job: the context, the candidates below it, and what is wanted of them."""

    context: Context
    candidates: Candidates
    check_reply: Callable[[], None]

    def check(self) -> None:
        """What takes too long to be done before admission: strings, and what they make a reply.

        Raises:
            CallError: INVALID_ARGUMENT that names the field and what was expected.
        """
        self.candidates.check()
        self.check_reply()


class DecideRunner:
    """Makes the rows of decisions and runs them; the data of their jobs is an `Asked`.

    Args:
        model: has one input of float32 rows.
    """

    def __init__(self, model: LoadedModel) -> None:
        self.name = model.key
        self.version = model.version
        self.run = checked(model) if model.signature.batchable else model.run
        self.prove = proof(model)
        self._input = model.signature.inputs[0].name

    def assemble(self, jobs: Sequence[Job]) -> Mapping[str, Array]:
        """The context and the candidates of each job, in order; they keep the manifest's rules.

        Raises:
            BadRowsError: for the jobs whose strings are wrong, or whose replies might be too large.
        """
        bad: list[tuple[Job, CallError]] = []
        for job in jobs:
            try:
                job.data.check()
            except CallError as error:
                bad.append((job, error))
        if bad:
            raise BadRowsError(bad)
        width = len(jobs[0].data.context.row)
        rows = np.empty((sum([job.rows for job in jobs]), width), np.float32)
        end = 0
        for job in jobs:
            first, end = end, end + job.rows
            job.data.context.fill(rows[first:end], job.data.candidates)
        return {self._input: rows}


def cost_class(cost: int) -> int:
    """Decisions of one class differ in what their expressions cost by a factor of four at most.

    Args:
        cost: of all expressions for one row, see `Checked.cost`.
    """
    return (cost.bit_length() + 1) // 2


def seconds_of_a_row(cost: int) -> float:
    """What a row of a decision costs at worst, besides the run of the model."""
    return CANDIDATE_S + cost * PASS_S
