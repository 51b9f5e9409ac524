"""Pools of different requests for a kind of call, from real rows or from what the server tells.

A tree ensemble fed the same row again and again runs up to 3.5 times too fast (the processor learns
its branches), so a kind of call has up to 4,096 different messages of up to 65,536 rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stubtail.oip import inference_pb2
from stubtail.v1 import common_pb2, scoring_pb2
from stubtail_bench.errors import LoadError
from stubtail_bench.real_rows import Rows, read_rows
from stubtail_bench.served import Feature, Served, Tensor
from stubtail_bench.traffic import Kind
from stubtail_bench.workload import CallSpec

_INFER_PATH = "/inference.GRPCInferenceService/ModelInfer"
_SCORE_PATH = "/stubtail.v1.ScoringService/Score"
_POOL_ROWS = 65_536
_POOL_CALLS_MAX, _POOL_CALLS_MIN = 4_096, 128
_PRIORITIES = {"": 0, "critical": 1, "high": 2, "normal": 3, "low": 4}
_TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    **{f"INT{bits}": np.dtype(f"i{bits // 8}").type for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": np.dtype(f"u{bits // 8}").type for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"f{bits // 8}").type for bits in (16, 32, 64)},
}


@dataclass(frozen=True, slots=True)
class Pool:
    """A kind of call with its messages, and how many different rows they are drawn from."""

    kind: Kind
    different_rows: int


def make_pool(spec: CallSpec, served: Served, rng: np.random.Generator) -> Pool:
    """Draws and encodes the messages of one kind of call.

    Raises:
        LoadError: The model cannot be called in this form, or its rows cannot be read.
    """
    low, high = spec.rows
    batch = _batch(served) if spec.form == "infer" else -1
    if batch >= 0:
        low = high = max(batch, 1)
    count = min(_POOL_CALLS_MAX, max(_POOL_CALLS_MIN, _POOL_ROWS // high))
    sizes = rng.integers(low, high, count, endpoint=True)
    ends = np.cumsum(sizes)
    table = _table(spec, served, int(ends[-1]), rng)
    encode = _encoder(spec, served, rng)
    blocks = [table[0][end - size : end] for size, end in zip(sizes, ends, strict=True)]
    kind = Kind(
        name=spec.title,
        path=_INFER_PATH if spec.form == "infer" else _SCORE_PATH,
        messages=[encode(block) for block in blocks],
        rows=sizes.tolist(),
        weight=spec.weight,
        deadline_s=spec.deadline_ms / 1e3 or None,
        enforce=spec.enforce_deadline,
        cancel=spec.cancel,
        cancel_within_s=spec.cancel_within_ms / 1e3,
        batched=batch != 0,
    )
    return Pool(kind, table[1])


def _batch(served: Served) -> int:
    """How many rows every call has; -1 where it is free, 0 for a model that knows no rows."""
    firsts = {one.shape[0] if len(one.shape) > 1 else 0 for one in served.inputs}
    if any(one.shape[:1] == (-1,) for one in served.inputs):
        return -1
    return firsts.pop() if len(firsts) == 1 else 0


def _table(
    spec: CallSpec, served: Served, count: int, rng: np.random.Generator
) -> tuple[Rows, int]:
    """float32 [count, features], and how many of the rows are different.

    Models that take no such table get rows without columns: only their number matters then.
    """
    width = _width(served)
    if spec.rows_file is not None:
        if width is None:
            raise LoadError(f"{spec.title}: rows_file needs a model with one table of numbers")
        real = read_rows(spec.rows_file, served.features, width)
        turns = -(-count // len(real))
        chosen = np.concatenate([rng.permutation(len(real)) for _ in range(turns)])[:count]
        return real[chosen], min(len(real), count)
    if width is None or not served.features:
        return np.empty((count, 0), np.float32), count
    rows = np.empty((count, width), np.float32)
    for column, feature in enumerate(served.features):
        if feature.categories:
            rows[:, column] = rng.integers(0, len(feature.categories), count)
        else:
            rows[:, column] = rng.uniform(feature.minimum, feature.maximum, count)
    return rows, count


def _width(served: Served) -> int | None:
    """The columns of the one table of numbers that a model takes, None for any other model."""
    if served.features:
        return len(served.features)
    if len(served.inputs) != 1 or len(served.inputs[0].shape) != 2:
        return None
    return served.inputs[0].shape[1] if served.inputs[0].shape[1] > 0 else None


def _encoder(spec: CallSpec, served: Served, rng: np.random.Generator) -> Callable[[Rows], bytes]:
    if spec.form == "infer":
        return lambda rows: _infer(spec, served, rows, rng)
    if not served.features:
        raise LoadError(f"{spec.title}: the server tells no features of {spec.model!r}; use infer")
    if spec.form == "dense":
        return lambda rows: _dense(spec, rows)
    return lambda rows: _named(spec, served.features, rows)


def _infer(spec: CallSpec, served: Served, rows: Rows, rng: np.random.Generator) -> bytes:
    request = inference_pb2.ModelInferRequest(model_name=spec.model)
    if spec.priority:
        request.parameters["priority"].int64_param = _PRIORITIES[spec.priority]
    for tensor in served.inputs:
        first = tensor.shape[:1]
        shape = [
            *(size if size > 0 else len(rows) for size in first),
            *(size if size > 0 else spec.free_dimension for size in tensor.shape[1:]),
        ]
        request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=shape)
        if rows.shape[1] and shape == list(rows.shape):
            content = rows.astype(_type_of(tensor)).tobytes()
        else:
            content = _random(tensor, shape, spec.value_range, rng)
        request.raw_input_contents.append(content)
    return bytes(request.SerializeToString())


def _type_of(tensor: Tensor) -> type[np.generic]:
    found = _TYPES.get(tensor.datatype)
    if found is None:
        raise LoadError(f"input {tensor.name!r} has the type {tensor.datatype}, not known here")
    return found


def _random(
    tensor: Tensor,
    shape: Sequence[int],
    value_range: tuple[float, float],
    rng: np.random.Generator,
) -> bytes:
    """Raw contents of a tensor, drawn evenly from a range; strings are of eight letters."""
    low, high = value_range
    if tensor.datatype == "BYTES":
        letters = rng.integers(ord("a"), ord("z"), (int(np.prod(shape)), 8), dtype=np.uint8)
        return b"".join((8).to_bytes(4, "little") + word.tobytes() for word in letters)
    kind = _type_of(tensor)
    values: npt.NDArray[Any]
    if issubclass(kind, np.floating):
        values = rng.uniform(low, high, shape)
    else:
        values = rng.integers(int(low), int(high), shape, endpoint=True)
    return bytes(values.astype(kind).tobytes())


def _dense(spec: CallSpec, rows: Rows) -> bytes:
    dense = scoring_pb2.DenseRows(values=rows.ravel().tolist())
    return _score(spec, dense=dense).SerializeToString()


def _named(spec: CallSpec, features: Sequence[Feature], rows: Rows) -> bytes:
    columns = []
    for values, feature in zip(rows.T.tolist(), features, strict=True):
        column = scoring_pb2.Column(name=feature.name)
        if feature.categories:
            column.strings.extend(feature.categories[int(value)] for value in values)
        else:
            column.numbers.extend(values)
        columns.append(column)
    return _score(spec, named=scoring_pb2.NamedRows(columns=columns)).SerializeToString()


def _score(spec: CallSpec, **rows: Any) -> scoring_pb2.ScoreRequest:
    priority = common_pb2.Priority.Name(_PRIORITIES[spec.priority])
    return scoring_pb2.ScoreRequest(model=spec.model, priority=priority, **rows)


def wrong_replies(kinds: Sequence[Kind], samples: Sequence[tuple[int, bytes]]) -> int:
    """How many of the kept replies have not the rows that were asked for.

    Args:
        kinds: Of the traffic.
        samples: Index of a body, all kinds one after the other, and the reply's message.
    """
    asked = [(kind.path, size if kind.batched else 0) for kind in kinds for size in kind.rows]
    return sum(not _has_rows(*asked[body], message) for body, message in samples)


def _has_rows(path: str, size: int, message: bytes) -> bool:
    try:
        if path == _INFER_PATH:
            outputs = inference_pb2.ModelInferResponse.FromString(message).outputs
            rows = [one.shape[0] if one.shape else 0 for one in outputs]
            return bool(rows) and (not size or set(rows) == {size})
        reply = scoring_pb2.ScoreResponse.FromString(message)
    except Exception:  # noqa: BLE001  # protobuf's error has no public base in all versions
        return False
    answers = len(reply.scores) or len(reply.probabilities) or len(reply.label_indexes)
    return answers > 0 and answers % size == 0
