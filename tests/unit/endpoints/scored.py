"""Models for Score, with and without manifests, and requests to them."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.scoring import PATH, ScoreReader
from stubtail.errors import CallError
from stubtail.lane.job import Job
from stubtail.models.outputs import Output
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import (
    category,
    manifest,
    model,
    number,
    run_job,
    served,
    spec,
)

FEATURES = (
    number("age"),
    category("plan", "basic", "plus"),
    number("charge", missing="allow"),
    category("colour", "red", "blue", missing="default", unknown="default", default="blue"),
)
GOOD: dict[str, Any] = {"age": 30.5, "plan": "plus", "charge": 2.0, "colour": "red"}
OUTPUT = Output(score="score", meaning="", classes=("stay", "leave"), threshold=0.5)


def sums(feeds: Any) -> list[np.ndarray]:
    """One score a row: a tenth of the sum of its values, where NaN counts as 0."""
    rows = next(iter(feeds.values()))
    return [(np.nansum(rows, axis=1, keepdims=True) / 10).astype(np.float32)]


def wide(feeds: Any) -> list[np.ndarray]:
    """Three probabilities a row: its values."""
    return [np.asarray(next(iter(feeds.values())))]


RULED = model(
    "ruled",
    [spec("x", "FP32", -1, 4)],
    [spec("score", "FP32", -1, 1)],
    sums,
    about=manifest(FEATURES, OUTPUT),
)
BARE = model("bare", [spec("x", "FP32", -1, 3)], [spec("p", "FP32", -1, 3)], wide)
DOUBLE = model("double", [spec("x", "FP64", -1, 2)], [spec("y", "FP64", -1)], sums)
WHOLE = model("whole", [spec("x", "INT64", -1, 2)], [spec("y", "FP32", -1, 1)], sums)
TWO = model(
    "two",
    [spec("a", "FP32", -1, 1), spec("n", "INT64", -1), spec("s", "BYTES", -1, 1)],
    [spec("y", "FP32", -1)],
    lambda feeds: [np.asarray(feeds["a"][:, 0] + feeds["n"], np.float32)],
)
LABELS = model("labels", [spec("x", "FP32", -1, 2)], [spec("label", "INT64", -1)])
FIXED = model("fixed", [spec("x", "FP32", 2, 1)], [spec("y", "FP32", 2, 1)], sums, batchable=False)


def score_method() -> LaneMethod:
    """Score over all these models."""
    models = served(RULED, BARE, DOUBLE, WHOLE, TWO, LABELS, FIXED)
    return LaneMethod(PATH, ScoreReader(models), models, Deadlines(5.0, 30.0))


def dense(name: str, values: Any, **more: Any) -> bytes:
    """The bytes of a dense request."""
    rows = scoring_pb2.DenseRows(values=np.asarray(values, np.float32).ravel().tolist())
    return scoring_pb2.ScoreRequest(model=name, dense=rows, **more).SerializeToString()


def column(name: str, *values: Any) -> scoring_pb2.Column:
    """A column of strings or numbers."""
    if values and isinstance(values[0], str):
        return scoring_pb2.Column(name=name, strings=values)
    return scoring_pb2.Column(name=name, numbers=values)


def named(name: str, *columns: scoring_pb2.Column) -> bytes:
    """The bytes of a named request."""
    rows = scoring_pb2.NamedRows(columns=columns)
    return scoring_pb2.ScoreRequest(model=name, named=rows).SerializeToString()


def ruled(*rows: dict[str, Any]) -> bytes:
    """A named request for RULED from rows as dicts with the same keys."""
    return named("ruled", *(column(key, *(row[key] for row in rows)) for key in rows[0]))


def decode(method: LaneMethod, payload: bytes) -> Job:
    """The job of a request."""
    return method.decode(payload, 10.0, None)


def reply(job: Job) -> scoring_pb2.ScoreResponse:
    """What the job is answered."""
    return scoring_pb2.ScoreResponse.FromString(run_job(job))


def rows_in(job: Job) -> list[list[float]]:
    """The rows that the model is fed."""
    (array,) = job.queue.model.assemble([job]).values()
    return array.tolist()  # type: ignore[no-any-return]


def refused(method: LaneMethod, payload: bytes) -> tuple[str, str]:
    """The code's name and the message of a refusal."""
    with pytest.raises(CallError) as caught:
        decode(method, payload)
    return caught.value.code.name, caught.value.message
