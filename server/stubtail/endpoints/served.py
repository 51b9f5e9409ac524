"""The live models as calls find them: by name, with their queues, rules and reply encoders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stubtail.endpoints.decide_run import DecideRunner, cost_class, seconds_of_a_row
from stubtail.endpoints.explained import ExplainedRunner, Explainer
from stubtail.endpoints.named import NamedColumns
from stubtail.endpoints.outputs import output_columns
from stubtail.endpoints.replies import (
    InferEncoder,
    ScoreColumns,
    ScoreEncoder,
    SoloInferEncoder,
)
from stubtail.endpoints.row_rules import RowRules
from stubtail.endpoints.runners import ArraysRunner, PackedRunner, checked
from stubtail.endpoints.score_columns import check_calibrated, columns_encoder
from stubtail.endpoints.several import SeveralEncoder, SeveralRunner
from stubtail.errors import invalid_field
from stubtail.lane.job import Encoder
from stubtail.lane.latency import LatencyModel
from stubtail.lane.model_queue import ModelQueue
from stubtail.models.repository import Repository
from stubtail.models.session import LoadedModel

CALL_OVERHEAD_S = 10e-6  # decoding and answering a call; corrected by the first real batches
EXPANSION_S = 0.5e-6  # making one evaluation of an explained call; corrected likewise
SELECTIONS_MAX = 64  # encoders for different choices of outputs
SHAPES_MAX = 256  # queues for different inner shapes of one version; beyond, the oldest goes
SEVERAL_MAX = 64  # combinations of models in one call that have queues; beyond, the oldest goes

Key = TypeVar("Key")
Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds that decide how a model is run.

    Attributes:
        rows_max: most rows of one call.
        inline_run_s_max: models whose one-row run takes longer go to the pool.
        batch_run_s_max: calls whose run takes longer go there too.
    """

    rows_max: int
    inline_run_s_max: float
    batch_run_s_max: float = 0.005

    def pooled(self, fixed_s: float, per_row_s: float, rows: int) -> bool:
        """Whether a call with so many rows would hold the lane for too long."""
        return (
            fixed_s + per_row_s > self.inline_run_s_max
            or fixed_s + per_row_s * rows > self.batch_run_s_max
        )


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
        self._columns = ScoreColumns(loaded)
        self._score_encoders: dict[float | None, Encoder] = {}
        self._explainer: Explainer | None = None
        self._explained_queues: dict[bool, ModelQueue] = {}
        self._decision_queues: dict[tuple[int, bool], ModelQueue] = {}
        self._infer_encoders: dict[tuple[int, ...], Encoder] = {}
        self._limits = limits
        self._queues: dict[tuple[tuple[tuple[int, ...], ...], bool], ModelQueue] = {}

    @property
    def has_intervals(self) -> bool:
        """Whether any output was calibrated for intervals."""
        return any(output.interval is not None for output in output_columns(self.loaded))

    def score_encoder(self, coverage: float | None = None) -> Encoder:
        """The encoder of score replies, with intervals of this coverage.

        Raises:
            CallError: INVALID_ARGUMENT where the model has no score, or no such interval.
        """
        encoder = self._score_encoders.get(coverage)
        if encoder is None:
            encoder = self._make_score_encoder(coverage)
            if len(self._score_encoders) >= SELECTIONS_MAX:
                self._score_encoders.clear()
            self._score_encoders[coverage] = encoder
        return encoder

    def explainer(self) -> Explainer:
        """What explains its scores; raises CallError where the manifest has no background."""
        if self._explainer is None:
            manifest = self.loaded.manifest
            if manifest is None or manifest.explanation is None:
                problem = f"{self.name} has no background rows to explain against"
                raise invalid_field("explain", problem)
            if not self.signature.batchable:
                problem = f"{self.name} cannot be explained, as its rows change each other's scores"
                raise invalid_field("explain", problem)
            self._explainer = Explainer(self.loaded, manifest.explanation)
        return self._explainer

    def explained_queue(self, evaluations: int) -> ModelQueue:
        """The queue of explained calls with so many evaluations.

        They do not share runs with other calls, which would wait for a thousand rows.
        """
        loaded = self.loaded
        pooled = self._limits.pooled(loaded.run_fixed_s, loaded.run_per_row_s, evaluations)
        queue = self._explained_queues.get(pooled)
        if queue is None:
            runner = ExplainedRunner(self.explainer(), loaded, checked(loaded))
            per_row_s = loaded.run_per_row_s + EXPANSION_S
            latency = LatencyModel(loaded.run_fixed_s + CALL_OVERHEAD_S, per_row_s)
            queue = self._explained_queues[pooled] = ModelQueue(runner, latency, pooled=pooled)
        return queue

    def decision_queue(self, rows: int, cost: int) -> ModelQueue:
        """The queue of decisions with so many rows whose expressions cost so much for each.

        A row takes longer than one of Score, and the more so the dearer the expressions: each
        class of them has a latency model of its own, and none of them learns from another.
        """
        loaded, dearest = self.loaded, cost_class(cost)
        per_row_s = loaded.run_per_row_s + seconds_of_a_row(cost)
        pooled = self._limits.pooled(loaded.run_fixed_s, per_row_s, rows)
        queue = self._decision_queues.get((dearest, pooled))
        if queue is None:
            latency = LatencyModel(loaded.run_fixed_s + CALL_OVERHEAD_S, per_row_s)
            solo = not loaded.signature.batchable
            queue = ModelQueue(DecideRunner(loaded), latency, solo=solo, pooled=pooled)
            self._decision_queues[dearest, pooled] = queue
        return queue

    def queue(self, shapes: tuple[tuple[int, ...], ...], rows: int) -> ModelQueue:
        """The queue of a job with so many rows of these shapes, one for each input.

        Calls whose rows alone would hold the lane for too long go to the pool, like slow models.
        """
        loaded = self.loaded
        pooled = self._limits.pooled(loaded.run_fixed_s, loaded.run_per_row_s, rows)
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

    def runner(self, shapes: tuple[tuple[int, ...], ...]) -> PackedRunner | ArraysRunner:
        """What joins and runs the rows of jobs with these shapes, one for each input."""
        if self.packed:
            return PackedRunner(self.loaded, shapes[0], self.rules)
        return ArraysRunner(self.loaded)

    def _make_score_encoder(self, coverage: float | None) -> Encoder:
        loaded, columns = self.loaded, self._columns
        if not columns.usable:
            raise invalid_field(
                "model", f"{self.name} has no output that is a score; call ModelInfer instead"
            )
        named = output_columns(loaded)
        if coverage is not None:
            check_calibrated(self.name, named)
        plain = len(named) < 2 and not any(output.levels for output in named)
        if columns.score is None or (plain and coverage is None):
            return ScoreEncoder(loaded, columns)
        return columns_encoder(loaded, columns, coverage)

    def _make_queue(self, shapes: tuple[tuple[int, ...], ...], *, pooled: bool) -> ModelQueue:
        loaded = self.loaded
        return ModelQueue(
            self.runner(shapes),
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
        self._queues: dict[tuple[object, ...], ModelQueue] = {}
        self._encoders: dict[tuple[Encoder, ...], SeveralEncoder] = {}
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
            self._queues, self._encoders = {}, {}
            self.routes = routes

    def several_queue(
        self, models: Sequence[ServedModel], widths: Sequence[int], rows: int
    ) -> ModelQueue:
        """The queue of jobs that these models answer together, with rows of these widths."""
        fixed_s = sum(model.loaded.run_fixed_s for model in models)
        per_row_s = sum(model.loaded.run_per_row_s for model in models)
        pooled = self._limits.pooled(fixed_s, per_row_s, rows)
        key = (*models, *widths, pooled)
        queue = self._queues.get(key)
        if queue is None:
            runners = [
                model.runner(((width,),)) for model, width in zip(models, widths, strict=True)
            ]
            overhead_s = CALL_OVERHEAD_S * len(models)
            queue = ModelQueue(
                SeveralRunner(runners),
                LatencyModel(fixed_s, per_row_s + overhead_s),
                solo=not all(model.signature.batchable for model in models),
                pooled=pooled,
            )
            _keep(self._queues, key, queue)
        return queue

    def several_encoder(self, encoders: Sequence[Encoder]) -> SeveralEncoder:
        """The encoder of replies that have one result of each of these encoders."""
        key = tuple(encoders)
        encoder = self._encoders.get(key)
        if encoder is None:
            encoder = SeveralEncoder(encoders)
            _keep(self._encoders, key, encoder)
        return encoder

    def serves(self, reference: str) -> bool:
        """Whether there is such a model for the caller, who may lack the scope for it."""
        return reference in self.routes

    def resolve(self, reference: str) -> ServedModel:
        """The model that a call names; raises CallError with the reason why there is none."""
        model = self.routes.get(reference)
        if model is None:
            loaded = self._repository.resolve(reference)
            # The repository changed a moment ago and has not told us yet.
            model = ServedModel(loaded, self._limits)
        return model


def _keep(kept: dict[Key, Entry], key: Key, entry: Entry) -> None:
    """Keeps an entry; where there are too many, the oldest goes."""
    if len(kept) >= SEVERAL_MAX:
        kept.pop(next(iter(kept)), None)
    kept[key] = entry
