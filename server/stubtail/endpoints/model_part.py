"""What every server offers for its models: scores, decisions, their list, and the OIP."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from stubtail.endpoints import decide, oip_infer, scoring
from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.method import BidiStream, Immediate, ServerStream, Unary
from stubtail.endpoints.models import Models
from stubtail.endpoints.oip_admin import OipAdmin
from stubtail.endpoints.oip_stream import StreamInfer
from stubtail.endpoints.part import Part
from stubtail.endpoints.served import ServedModels
from stubtail.errors import CallError, draining
from stubtail.lane.job import Job
from stubtail.metrics import Recorder
from stubtail.oip import inference_pb2
from stubtail.v1 import decision_pb2, models_pb2, scoring_pb2


class ModelPart(Part):
    """The families that answer from exported models.

    Args:
        served: the live models.
        repository: all that is known of models, as callers may see it.
        waits: bounds on the time of a call.
        rows_max: of one batch, for descriptions.
        recorder: what was measured, for statistics.
        run: runs a job of a stream on the lane.
        ready: whether the server takes calls.
        clock: monotonic seconds.
    """

    services = (
        "stubtail.v1.ScoringService",
        "stubtail.v1.DecisionService",
        "stubtail.v1.ModelService",
        "inference.GRPCInferenceService",
    )
    descriptors = (
        scoring_pb2.DESCRIPTOR,
        decision_pb2.DESCRIPTOR,
        models_pb2.DESCRIPTOR,
        inference_pb2.DESCRIPTOR,
    )

    def __init__(
        self,
        served: ServedModels,
        repository: Any,
        waits: Deadlines,
        rows_max: int,
        recorder: Recorder,
        run: Callable[[Job], Awaitable[bytes | CallError]],
        ready: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._run = run
        self._refusing = False
        infer = LaneMethod(oip_infer.PATH, oip_infer.InferReader(served), served, waits)
        self._lane_methods = (
            LaneMethod(scoring.PATH, scoring.ScoreReader(served), served, waits),
            infer,
            LaneMethod(decide.PATH, decide.DecideReader(served), served, waits),
        )
        self._methods = (
            *Models(repository).methods(),
            *OipAdmin(repository, recorder, ready, rows_max).methods(),
            *StreamInfer(infer, self._submit, clock).methods(),
        )

    def lane_methods(self) -> Sequence[LaneMethod]:
        """Score, ModelInfer and Decide."""
        return self._lane_methods

    def methods(self) -> Sequence[Immediate | Unary | ServerStream | BidiStream]:
        """Administration, and the stream of ModelInfer."""
        return self._methods

    def refuse(self) -> None:
        """From now on streams are told of the drain, which one that goes on would hold up."""
        self._refusing = True

    async def _submit(self, job: Job) -> bytes | CallError:
        return draining() if self._refusing else await self._run(job)
