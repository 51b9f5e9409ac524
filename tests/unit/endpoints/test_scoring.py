"""Pins how a Score request becomes rows, and every way in which it can be wrong."""

import numpy as np
import pytest

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.errors import CallError, Code
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints.loaded import (
    run_jobs,
)
from tests.unit.endpoints.scored import (
    column,
    decode,
    dense,
    named,
    refused,
    reply,
    rows_in,
    score_method,
)

NAN = float("nan")


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """Score over all these models."""
    return score_method()


@pytest.mark.parametrize("times", [1, 3])
def test_dense_rows_reach_the_model(method: LaneMethod, times: int) -> None:
    """Read in full the first time and from the head cache later: the same job."""
    for index in range(times):
        values = [[30 + index, 1, NAN, 0], [0, 0, 2, 1]]
        job = decode(method, dense("ruled", values, priority=2))
        assert (job.rows, job.priority) == (2, 1)
        np.testing.assert_array_equal(rows_in(job), values)
        assert job.size_bytes == len(dense("ruled", values, priority=2))
        assert (job.arrived_s, job.deadline_s) == (10.0, 15.0)


def test_a_score_reply_has_columns(method: LaneMethod) -> None:
    """Model, version, scores, classes and labels by the threshold."""
    answer = reply(decode(method, dense("ruled", [[1, 0, 1, 0], [2, 1, 1, 1]])))
    assert (answer.model, answer.version) == ("ruled", "1")
    np.testing.assert_allclose(answer.scores, [0.2, 0.5])
    assert list(answer.label_indexes) == [0, 1]
    assert list(answer.classes) == ["stay", "leave"]
    assert not answer.probabilities


def test_a_batch_is_cut_into_the_replies_of_its_jobs(method: LaneMethod) -> None:
    """Each caller gets the rows that it sent, and their number."""
    rng = np.random.default_rng(2)
    rows = [rng.random((count, 3), np.float32) for count in (1, 4, 2, 1)]
    jobs = [decode(method, dense("bare", some)) for some in rows]
    assert len({id(job.queue) for job in jobs}) == 1
    for payload, some in zip(run_jobs(jobs), rows, strict=True):
        answer = scoring_pb2.ScoreResponse.FromString(payload)
        np.testing.assert_array_equal(answer.probabilities, some.ravel())
        assert list(answer.label_indexes) == some.argmax(axis=1).tolist()
        assert not answer.scores


def test_dense_values_in_pieces_or_unpacked_are_read_too(method: LaneMethod) -> None:
    """Several packed pieces, and one field for each value."""
    floats = np.array([1, 2, 3], "<f4")
    packed = b"\x7a\x08" + floats[:2].tobytes() + b"\x7a\x04" + floats[2:].tobytes()
    single = b"".join(b"\x7d" + value.tobytes() for value in floats)
    head = scoring_pb2.ScoreRequest(model="bare").SerializeToString()
    for values in (packed, single):
        for _ in range(2):
            job = decode(method, head + b"\x7a" + bytes([len(values)]) + values)
            assert rows_in(job) == [[1, 2, 3]]


def test_fields_behind_the_rows_still_count(method: LaneMethod) -> None:
    """The order of fields is free: a model or a class that comes last is the one that counts."""
    payload = dense("double", [1, 2])
    for _ in range(2):
        assert decode(method, payload + b"\x10\x01").priority == 0
        assert decode(method, payload).priority == 2
        other = decode(method, payload + b"\x0a\x05whole")
        assert other.queue.model.name == "whole"
        assert rows_in(other) == [[1, 2]]


def test_models_without_a_manifest_take_columns_by_input(method: LaneMethod) -> None:
    """One value a row for each input, converted to its type."""
    columns = [column("s", "x", ""), column("a", 0.5, 1.5), column("n", 1.0, -2.0)]
    job = decode(method, named("two", *columns))
    feeds = job.queue.model.assemble([job])
    assert [(name, array.dtype, array.shape) for name, array in feeds.items()] == [
        ("a", np.float32, (2, 1)),
        ("n", np.int64, (2,)),
        ("s", object, (2, 1)),
    ]
    assert list(reply(job).scores) == [1.5, -0.5]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "model: must name a model"),
        (scoring_pb2.ScoreRequest(model="bare").SerializeToString(), "rows: must be set"),
        (dense("bare", []), "dense.values: must be 1 to 100 rows of 3 features, got 0 values"),
        (dense("bare", [1, 2]), "dense.values: must be 1 to 100 rows of 3 features, got 2"),
        (dense("bare", [0] * 303), "dense.values: must be 1 to 100 rows of 3 features, got 303"),
        (dense("fixed", [1]), "dense.values: must be 2 rows of 1 features, got 1"),
        (dense("whole", [1, 2.5]), "dense.values[1]: must be a value of INT64, got 2.5"),
        (dense("whole", [NAN, 1]), "dense.values[0]: must be a value of INT64, got nan"),
        (dense("labels", [1, 2]), "model: labels has no output that is a score"),
        (dense("two", [1, 2]), "dense: two does not take one row-major block"),
        (dense("bare", [1, 2, 3], priority=77), "priority: must be 0 to 4, got 77"),
        (named("bare", column("x", 1.0)), "named: bare has no manifest with feature names"),
        (named("two", column("a", 1.0)), "named.columns: must be exactly a, n, s"),
    ],
)
def test_what_cannot_be_scored_is_refused_with_its_field(
    method: LaneMethod, payload: bytes, message: str
) -> None:
    """INVALID_ARGUMENT, and nothing is remembered of it."""
    for _ in range(2):
        code, text = refused(method, payload)
        assert (code, text[: len(message)]) == ("INVALID_ARGUMENT", message)


@pytest.mark.parametrize("payload", [b"\xff", b"\x0a\x09bare", b"\x0a\x04bare\x72\x03\x0a\x05x"])
def test_bytes_that_are_no_request_are_malformed(method: LaneMethod, payload: bytes) -> None:
    """MALFORMED_MESSAGE, not an unknown model."""
    with pytest.raises(CallError) as caught:
        decode(method, payload)
    assert (caught.value.code, caught.value.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


def test_values_are_converted_without_loss_or_refused(method: LaneMethod) -> None:
    """Floats to doubles and to whole numbers."""
    assert rows_in(decode(method, dense("double", [0.1, 2]))) == [[float(np.float32(0.1)), 2.0]]
    assert rows_in(decode(method, dense("whole", [3, -4]))) == [[3, -4]]
