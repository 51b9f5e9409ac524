"""Several models on the same rows: one job, one batch, one reply with a result of each model."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from stubtail.endpoints.protobuf import opening
from stubtail.errors import CallError
from stubtail.lane.batch_run import BadRowsError, RunError
from stubtail.lane.job import Encoder, Job
from stubtail.lane.refusals import inference_error, shown
from stubtail.models.errors import RunFailed
from stubtail.models.synthetic import Array

NAME = "(several)"  # in logs and metrics; no model can have it
SCORE_RESULTS = 14  # ScoreResponse.results

Feeds = Mapping[str, Array]


class OneRunner(Protocol):
    """What joins and runs the rows of one model."""

    name: str
    version: str

    def assemble(self, jobs: Sequence[Any]) -> Feeds:
        """The feeds of one run; raises BadRowsError."""

    def run(self, feeds: Feeds) -> list[Array]:
        """The outputs; raises RunFailed."""


class Share:
    """What a job has for one of its models: to that model's runner it looks like a job.

    Attributes:
        job: the job.
        rows: as the job.
        data: the rows as this model takes them.
        encoder: says that replies may end with warnings.
        suffix: those warnings.
    """

    __slots__ = ("data", "encoder", "job", "rows", "suffix")

    def __init__(self, job: Job, data: Any, encoder: Encoder) -> None:
        self.job = job
        self.rows = job.rows
        self.data = data
        self.encoder = encoder
        self.suffix = b""


class SeveralRunner:
    """Runs each model on its rows, one after the other.

    A job's data is a list with one buffer for each model, or one buffer for all of them; once
    assembled, it is a list of `Share`.

    Args:
        runners: of the models.
    """

    def __init__(self, runners: Sequence[OneRunner]) -> None:
        self.name = NAME
        self.version = ""
        self.prove = None  # several models have no breaker in common
        self._runners = runners

    def assemble(self, jobs: Sequence[Job]) -> list[Feeds]:
        """The feeds of each model; raises BadRowsError with the first model that minds."""
        for job in jobs:
            self._share(job)
        feeds: list[Feeds] = []
        errors: dict[int, tuple[Job, CallError]] = {}
        for index, runner in enumerate(self._runners):
            try:
                feeds.append(runner.assemble([job.data[index] for job in jobs]))
            except BadRowsError as bad:
                for share, error in bad.errors:
                    job = share.job  # type: ignore[attr-defined]  # a Share went in
                    errors.setdefault(id(job), (job, error.about(shown(runner.name))))
        if errors:
            raise BadRowsError(list(errors.values()))
        return feeds

    def run(self, feeds: Sequence[Feeds]) -> list[list[Array]]:
        """The outputs of each model; raises RunError that names the model that failed."""
        outputs = []
        for runner, one in zip(self._runners, feeds, strict=True):
            try:
                outputs.append(runner.run(one))
            except RunFailed as error:
                raise RunError(inference_error(runner.name, runner.version)) from error
        return outputs

    def _share(self, job: Job) -> None:
        data = job.data
        if isinstance(data, list) and isinstance(data[0], Share):
            return  # assembled before, in a batch that is run again
        parts = data if isinstance(data, list) else [data] * len(self._runners)
        encoder = job.encoder
        job.data = [Share(job, part, encoder) for part in parts]


class SeveralEncoder:
    """Replies with one result for each model.

    Args:
        encoders: of the models, in their order.
    """

    warns = True

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        self._encoders = tuple(encoders)

    def prepare(self, outputs: Sequence[Sequence[Any]]) -> list[Any]:
        """What each encoder makes of the outputs of its model."""
        return [encoder.prepare(one) for encoder, one in zip(self._encoders, outputs, strict=True)]

    def encode(self, prepared: list[Any], first: int, end: int, job: Job) -> bytes:
        """The reply with rows `first` to `end` of every model."""
        pieces: list[bytes] = []
        for encoder, one, share in zip(self._encoders, prepared, job.data, strict=True):
            result = encoder.encode(one, first, end, share)
            pieces += (opening(SCORE_RESULTS, len(result)), result)
        pieces.append(job.suffix)
        return b"".join(pieces)
