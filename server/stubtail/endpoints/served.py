"""The live models as calls find them: by name, with their queues, rules and reply encoders."""

from collections.abc import Mapping
from dataclasses import dataclass

from stubtail.endpoints.named import NamedColumns
from stubtail.endpoints.replies import (
    InferEncoder,
    ScoreColumns,
    ScoreEncoder,
    SoloInferEncoder,
)
from stubtail.endpoints.row_rules import RowRules
from stubtail.endpoints.runners import ArraysRunner, PackedRunner
from stubtail.lane.job import Encoder
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.models.repository import Repository
from stubtail.models.session import LoadedModel

CALL_OVERHEAD_S = 10e-6  # decoding and answering a call; corrected by the first real batches
SELECTIONS_MAX = 64  # encoders for different choices of outputs
SHAPES_MAX = 256  # queues for different inner shapes of one version; beyond, the oldest goes


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds that decide how a model is run.

    Attributes:
        rows_max: rows of one call.
        inline_run_s_max: models whose one-row run takes longer go to the pool.
        batch_run_s_max: calls whose run takes longer go there too.
    """

    rows_max: int
    inline_run_s_max: float
    batch_run_s_max: float = 0.005


class ServedModel:
    """One loaded version with everything that calls to it share."""

    def __init__(self, loaded: LoadedModel, limits: BatchLimits) -> None:
        self.loaded = loaded
        self.name = loaded.name
        self.version = loaded.version
        self.signature = loaded.signature
        manifest = loaded.manifest
        self.rules = RowRules(manifest.features) if manifest and manifest.features else None
        self.rows_max = limits.rows_max
        inputs = loaded.signature.inputs
        self.packed = len(inputs) == 1 and inputs[0].shape != () and inputs[0].dtype != object
        self.named = NamedColumns(self.rules) if self.rules else None
        self.row_shape = inputs[0].shape[1:] if inputs else ()
        columns = ScoreColumns(loaded)
        self.score_encoder = ScoreEncoder(loaded, columns) if columns.usable else None
        self._infer_encoders: dict[tuple[int, ...], Encoder] = {}
        self._limits = limits
        self._queues: dict[tuple[tuple[tuple[int, ...], ...], bool], ModelQueue] = {}

    def queue(self, shapes: tuple[tuple[int, ...], ...], rows: int) -> ModelQueue:
        """The queue of a job with so many rows of these shapes, one for each input.

        Calls whose rows alone would hold the lane for too long go to the pool, like slow models.
        """
        loaded = self.loaded
        pooled = (
            loaded.run_fixed_s + loaded.run_per_row_s > self._limits.inline_run_s_max
            or loaded.run_fixed_s + loaded.run_per_row_s * rows > self._limits.batch_run_s_max
        )
        queue = self._queues.get((shapes, pooled))
        if queue is None:
            if len(self._queues) >= SHAPES_MAX:
                self._queues.pop(next(iter(self._queues)), None)
            queue = self._queues[shapes, pooled] = self._make_queue(shapes, pooled=pooled)
        return queue

    def infer_encoder(self, outputs: tuple[int, ...]) -> Encoder:
        """The encoder of replies with these outputs (positions in the signature)."""
        encoder = self._infer_encoders.get(outputs)
        if encoder is None:
            if len(self._infer_encoders) >= SELECTIONS_MAX:
                self._infer_encoders.clear()
            kind = InferEncoder if self.signature.batchable else SoloInferEncoder
            encoder = self._infer_encoders[outputs] = kind(self.loaded, outputs)
        return encoder

    def _make_queue(self, shapes: tuple[tuple[int, ...], ...], *, pooled: bool) -> ModelQueue:
        loaded = self.loaded
        runner = (
            PackedRunner(loaded, shapes[0], self.rules) if self.packed else ArraysRunner(loaded)
        )
        return ModelQueue(
            runner,
            LatencyModel(loaded.run_fixed_s, loaded.run_per_row_s + CALL_OVERHEAD_S),
            solo=not loaded.signature.batchable,
            pooled=pooled,
        )


class ServedModels:
    """Follows the repository: what calls may reach now.

    Attributes:
        routes: models by `name` and `name@version`; replaced as a whole on each change, so that
            its identity tells whether anything has changed.
    """

    def __init__(self, repository: Repository, limits: BatchLimits) -> None:
        self._repository = repository
        self._limits = limits
        self._served: dict[int, ServedModel] = {}
        self.routes: Mapping[str, ServedModel] = {}

    def update(self) -> None:
        """Takes over the repository's routes; a version that stays keeps its queues."""
        served: dict[int, ServedModel] = {}
        routes: dict[str, ServedModel] = {}
        for reference, loaded in self._repository.routes.items():
            model = served.get(id(loaded)) or self._served.get(id(loaded))
            if model is None or model.loaded is not loaded:
                model = ServedModel(loaded, self._limits)
            served[id(loaded)] = model
            routes[reference] = model
        self._served = served
        if routes != self.routes:
            self.routes = routes

    def resolve(self, reference: str) -> ServedModel:
        """The model that a call names; raises CallError with the reason why there is none."""
        model = self.routes.get(reference)
        if model is None:
            loaded = self._repository.resolve(reference)
            # The repository changed a moment ago and has not told us yet.
            model = ServedModel(loaded, self._limits)
        return model
