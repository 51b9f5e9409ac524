"""The rows of a score request, dense or named, as one model takes them."""

from typing import Any, NamedTuple

import numpy as np
from google.protobuf.unknown_fields import UnknownFieldSet

from stubtail import wire
from stubtail.endpoints.method import parse
from stubtail.endpoints.named import parse_column
from stubtail.endpoints.served import ServedModel
from stubtail.endpoints.tails import tail_bytes
from stubtail.errors import invalid_field, malformed_message
from stubtail.lane.model_queue import ModelQueue
from stubtail.models.signature import FREE, TensorSpec
from stubtail.models.synthetic import Array
from stubtail.v1 import scoring_pb2

FLOAT_BYTES = 4
DOUBLE_BYTES = 8


class Rows(NamedTuple):
    """The rows of a call.

    Attributes:
        data: in the form that the model's runner assembles.
        number: how many rows there are.
        queue: where a job with them waits.
        tail_bytes: how many bytes at the end of the request they are; 0 when they stand elsewhere
            or in another form.
        expanded_bytes: what they take in memory, where that is more than they took to send.
    """

    data: Any
    number: int
    queue: ModelQueue
    tail_bytes: int = 0
    expanded_bytes: int = 0


def dense_rows(payload: bytes, request: Any, model: ServedModel) -> Rows:
    """The block of a request with dense rows; raises CallError."""
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
    return Rows(data, rows, model.queue(((width,),), rows), tail)


def named_rows(columns: list[bytes], model: ServedModel) -> Rows:
    """The rows of serialised columns; raises CallError."""
    if model.named is not None:
        data, rows = model.named.rows(columns, model.rows_max)
        size_bytes = data.nbytes if isinstance(data, np.ndarray) else len(data)
        return Rows(data, rows, model.queue((model.row_shape,), rows), 0, size_bytes)
    arrays = _input_arrays(model, [parse_column(column) for column in columns])
    queue = model.queue(tuple(array.shape[1:] for array in arrays), len(arrays[0]))
    return Rows(arrays[0].tobytes() if model.packed else arrays, len(arrays[0]), queue)


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
