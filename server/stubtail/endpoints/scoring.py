"""ScoringService.Score: dense rows or named columns in, columns of scores out."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from stubtail import wire
from stubtail.endpoints.explained import ExplainedEncoder
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.named import COLUMNS_MAX, parse_column
from stubtail.endpoints.score_rows import Rows, dense_rows, named_rows
from stubtail.endpoints.served import ServedModel, ServedModels
from stubtail.endpoints.warnings import warnings_by_call
from stubtail.errors import CallError, invalid_field
from stubtail.lane.priority import REQUESTED

PATH = "/stubtail.v1.ScoringService/Score"
MODELS_MAX = 16  # of one call


class ScoreReader:
    """Reads score requests in full."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    def read(self, payload: bytes) -> Reading:
        """The plan and the rows of a request; raises CallError."""
        request = parse(wire.ScoreRequest, payload)
        priority = REQUESTED.get(request.priority)
        if priority is None:
            raise invalid_field("priority", f"must be 0 to 4, got {request.priority}")
        if request.models:
            return self._read_several(payload, request, priority)
        if not request.model:
            raise invalid_field("model", "must name a model")
        model = _scored(self._models.resolve(request.model))
        rows = _rows(payload, request, model)
        encoder = model.score_encoder(_coverage(request))
        if request.HasField("explain"):
            return _explained(model, rows, CallPlan(rows.queue, 0, priority, encoder), request)
        plan = CallPlan(rows.queue, rows.number, priority, encoder)
        return Reading(plan, rows.data, rows.tail_bytes, rows.expanded_bytes)

    def _read_several(self, payload: bytes, request: Any, priority: int) -> Reading:
        models = self._several(request)
        chosen = (
            _columns_of(_columns(request), models)
            if request.WhichOneof("rows") == "named"
            else None
        )
        coverage = _coverage(request)
        if coverage is not None and not any(model.has_intervals for model in models):
            raise invalid_field("coverage", "none of the models was calibrated for intervals")
        parts, encoders = [], []
        for index, model in enumerate(models):
            try:
                if chosen is None:
                    rows = _rows(payload, request, model)
                else:
                    rows = named_rows(chosen[index], model)
                encoders.append(model.score_encoder(coverage if model.has_intervals else None))
            except CallError as error:
                raise error.about(model.name) from None
            parts.append(rows)
        count = parts[0].number
        for model, rows in zip(models, parts, strict=True):
            if rows.number != count:
                raise invalid_field(
                    "named.columns",
                    f"must have the same number of values: {count} for {models[0].name}, "
                    f"{rows.number} for {model.name}",
                )
        widths = [model.row_shape[0] for model in models]
        queue = self._models.several_queue(models, widths, count)
        plan = CallPlan(queue, count, priority, self._models.several_encoder(encoders))
        tail = min(rows.tail_bytes for rows in parts)
        if tail:  # the same bytes for all of them, and found where they were before
            return Reading(plan, parts[0].data, tail)
        expanded = sum(rows.expanded_bytes for rows in parts)
        return Reading(plan, [rows.data for rows in parts], 0, expanded)

    def _several(self, request: Any) -> list[ServedModel]:
        names = list(request.models)
        if request.model:
            raise invalid_field("models", "must not be set together with `model`")
        if request.HasField("explain"):
            raise invalid_field("explain", "must not be set together with `models`")
        if len(names) > MODELS_MAX:
            raise invalid_field("models", f"must be 1 to {MODELS_MAX} models, got {len(names)}")
        models: list[ServedModel] = []
        for index, name in enumerate(names):
            field = f"models[{index}]"
            if not name:
                raise invalid_field(field, "must name a model")
            model = _scored(self._models.resolve(name))
            if any(model is other for other in models):
                raise invalid_field(field, f"{model.name}@{model.version} is there twice")
            if not model.packed or len(model.row_shape) != 1:
                problem = f"{model.name} does not take rows of numbers; call it alone"
                raise invalid_field(field, problem)
            models.append(model)
        return models


def _scored(model: ServedModel) -> ServedModel:
    """The model; raises CallError where it is one that forecasts."""
    manifest = model.loaded.manifest
    if manifest is not None and manifest.kind == "forecasting":
        problem = f"{model.name} is a forecasting model; call ForecastingService.Forecast"
        raise invalid_field("model", problem)
    return model


def _coverage(request: Any) -> float | None:
    return request.coverage if request.coverage != 0.0 else None


def _rows(payload: bytes, request: Any, model: ServedModel) -> Rows:
    form = request.WhichOneof("rows")
    if form == "named":
        return named_rows(_columns(request), model)
    if form == "dense":
        return dense_rows(payload, request, model)
    raise invalid_field("rows", "must be set: `named` or `dense`")


def _columns(request: Any) -> list[bytes]:
    columns = request.named.columns
    if len(columns) > COLUMNS_MAX:  # millions of them are refused before they are objects
        problem = f"must be 1 to {COLUMNS_MAX} columns, got {len(columns)}"
        raise invalid_field("named.columns", problem)
    return cast("list[bytes]", columns[:])  # 0.4 us less than list()


def _columns_of(columns: Sequence[bytes], models: Sequence[ServedModel]) -> list[list[bytes]]:
    """For each model the columns that are features of it."""
    chosen: list[list[bytes]] = [[] for _ in models]
    for index, model in enumerate(models):
        if model.named is None:
            problem = f"{model.name} has no manifest with feature names; send dense rows"
            raise invalid_field(f"models[{index}]", problem)
    for column in columns:
        name = parse_column(column).name
        found = False
        for index, model in enumerate(models):
            if model.named is not None and model.named.knows(name):
                chosen[index].append(column)
                found = True
        if not found:
            raise invalid_field(f"named.columns[{name[:64]}]", "is a feature of none of the models")
    return chosen


def _explained(model: ServedModel, rows: Rows, plan: CallPlan, request: Any) -> Reading:
    """The plan and the evaluations of a call that wants reasons."""
    explainer = model.explainer()
    assert model.rules is not None
    block = np.frombuffer(rows.data, np.float32).reshape(rows.number, -1)
    conformed = model.rules.conform(block)
    if conformed.bad:
        row, feature, problem = conformed.bad[0]
        raise invalid_field(f"rows[{row}].{feature}", problem)
    evaluations = explainer.plan(conformed.rows, request.explain.top)
    plan.encoder = ExplainedEncoder(explainer, evaluations, request.explain.top, plan.encoder)
    plan.rows = evaluations.size
    plan.queue = model.explained_queue(evaluations.size)
    plan.suffix = warnings_by_call(conformed.changes, np.array([rows.number])).get(0, b"")
    return Reading(plan, evaluations, 0, evaluations.size * block.itemsize * block.shape[1])
