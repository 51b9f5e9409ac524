"""ScoringService.Score: dense rows or named columns in, columns of scores out."""

from typing import Any

import numpy as np
from google.protobuf.unknown_fields import UnknownFieldSet

from stubtail import wire
from stubtail.endpoints.lane_method import CallPlan, Reading
from stubtail.endpoints.method import parse
from stubtail.endpoints.named import parse_column
from stubtail.endpoints.replies import ScoreEncoder
from stubtail.endpoints.served import ServedModel, ServedModels
from stubtail.endpoints.tails import tail_bytes
from stubtail.errors import invalid_field, malformed_message
from stubtail.models.signature import FREE, TensorSpec
from stubtail.models.warmup import Array
from stubtail.v1 import scoring_pb2

PATH = "/stubtail.v1.ScoringService/Score"
# stubtail.v1.Priority to the lane's order; unspecified is normal.
PRIORITIES = {0: 2, 1: 0, 2: 1, 3: 2, 4: 3}
FLOAT_BYTES = 4
DOUBLE_BYTES = 8


class ScoreReader:
    """Reads score requests in full."""

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    def read(self, payload: bytes) -> Reading:
        """The plan and the rows of a request; raises CallError."""
        request = parse(wire.ScoreRequest, payload)
        if not request.model:
            raise invalid_field("model", "must name a model")
        model = self._models.resolve(request.model)
        priority = PRIORITIES.get(request.priority)
        if priority is None:
            raise invalid_field("priority", f"must be 0 to 4, got {request.priority}")
        form = request.WhichOneof("rows")
        if form == "named":
            return self._read_named(request, model, priority)
        if form == "dense":
            return self._read_dense(payload, request, model, priority)
        raise invalid_field("rows", "must be set: `named` or `dense`")

    def _read_dense(
        self, payload: bytes, request: Any, model: ServedModel, priority: int
    ) -> Reading:
        width, spec = _dense_width(model)
        chunks = list(request.dense.values)
        unpacked = len(UnknownFieldSet(request.dense))
        if unpacked or len(chunks) != 1:
            values = np.array(parse(scoring_pb2.ScoreRequest, payload).dense.values, "<f4")
            data, tail = values.tobytes(), 0
        else:
            data = chunks[0]
            tail = tail_bytes(payload, data, _dense_values)
        rows, rest = divmod(len(data), FLOAT_BYTES * width)
        if rest or not 1 <= rows <= model.rows_max or spec.shape[0] not in {FREE, rows}:
            wanted = f"1 to {model.rows_max}" if spec.shape[0] == FREE else str(spec.shape[0])
            raise invalid_field(
                "dense.values",
                f"must be {wanted} rows of {width} features, got {len(data) // FLOAT_BYTES} values",
            )
        if spec.dtype != np.float32:
            data, tail = _cast(np.frombuffer(data, "<f4"), spec, "dense.values").tobytes(), 0
        queue = model.queue(((width,),), rows)
        return Reading(CallPlan(queue, rows, priority, _encoder(model)), data, tail)

    def _read_named(self, request: Any, model: ServedModel, priority: int) -> Reading:
        columns = list(request.named.columns)
        if model.named is not None:
            data, rows = model.named.rows(columns, model.rows_max)
            queue = model.queue((model.row_shape,), rows)
            size_bytes = data.nbytes if isinstance(data, np.ndarray) else len(data)
            return Reading(CallPlan(queue, rows, priority, _encoder(model)), data, 0, size_bytes)
        arrays = _input_arrays(model, [parse_column(column) for column in columns])
        queue = model.queue(tuple(array.shape[1:] for array in arrays), len(arrays[0]))
        data = arrays[0].tobytes() if model.packed else arrays
        return Reading(CallPlan(queue, len(arrays[0]), priority, _encoder(model)), data, 0)


def _encoder(model: ServedModel) -> ScoreEncoder:
    if model.score_encoder is None:
        raise invalid_field(
            "model", f"{model.name} has no output that is a score; call ModelInfer instead"
        )
    return model.score_encoder


def _dense_width(model: ServedModel) -> tuple[int, Any]:
    """The number of features of a row and the input that takes it."""
    spec = model.signature.inputs[0] if model.packed else None
    if spec is None or len(spec.shape) != 2 or spec.shape[1] < 1:
        raise invalid_field(
            "dense", f"{model.name} does not take one row-major block; use ModelInfer"
        )
    return spec.shape[1], spec


def _dense_values(payload: bytes) -> list[bytes]:
    return list(parse(wire.ScoreRequest, payload).dense.values)


def _input_arrays(model: ServedModel, columns: Any) -> list[Array]:
    """For a graph without manifest: each column is the input of its name, one value a row."""
    by_name = {column.name: column for column in columns}
    inputs = model.signature.inputs
    wanted = [spec.name for spec in inputs]
    if not inputs or any(len(s.shape) == 0 or s.shape[1:] not in ((), (1,)) for s in inputs):
        raise invalid_field(
            "named", f"{model.name} has no manifest with feature names; send dense rows"
        )
    if set(by_name) != set(wanted) or len(by_name) != len(columns):
        raise invalid_field("named.columns", f"must be exactly {', '.join(wanted[:50])}")
    arrays: list[Array] = []
    for spec in inputs:
        column = by_name[spec.name]
        field = f"named.columns[{spec.name}].{'strings' if spec.dtype.hasobject else 'numbers'}"
        if spec.dtype.hasobject:
            values: Array = np.array(list(column.strings), object)
        else:
            data = b"".join(column.numbers)
            if len(data) % DOUBLE_BYTES:
                raise malformed_message("stubtail.v1.ScoreRequest")
            values = _cast(np.frombuffer(data, "<f8"), spec, field)
        rows = len(arrays[0]) if arrays else len(values)
        if spec.shape[0] != FREE:
            rows = spec.shape[0]
        if len(values) != rows or not 1 <= rows <= model.rows_max:
            raise invalid_field(field, f"must have {max(rows, 1)} values, got {len(values)}")
        arrays.append(values.reshape(-1, *spec.shape[1:]))
    return arrays


def _cast(values: Array, spec: TensorSpec, field: str) -> Array:
    """The numbers in the type of an input; raises CallError for one that it cannot hold."""
    with np.errstate(invalid="ignore", over="ignore"):  # looked for below
        cast = values.astype(spec.dtype)
        if spec.dtype.kind == "f":
            wrong = np.isinf(cast) & np.isfinite(values)
        else:
            wrong = cast.astype(values.dtype) != values
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        expected = f"must be a value of {spec.datatype}, got {values[first]}"
        raise invalid_field(f"{field}[{first}]", expected)
    return cast
