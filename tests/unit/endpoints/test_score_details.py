"""Score with levels, intervals, several outputs and warnings: what a reply then has."""

from typing import Any

import numpy as np
import pytest

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.lane.batch_run import BadRowsError
from stubtail.v1 import scoring_pb2
from tests import score_models
from tests.unit.endpoints import detailed
from tests.unit.endpoints.detailed import ROW
from tests.unit.endpoints.loaded import run_jobs
from tests.unit.endpoints.scored import column, decode, dense, named, refused, reply

ROWS = [ROW, [9.0, 18.0, 2.0, 2.0], [0.0, 99.0, 0.0, 0.0]]
SCORES = 1 / (1 + np.exp(-score_models.logits(np.array(ROWS))))


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """Score over the models of `detailed`."""
    return detailed.method()


@pytest.mark.parametrize("times", [1, 2])
def test_levels_come_with_every_reply(method: LaneMethod, times: int) -> None:
    """Where the model has them; read in full and from the head cache."""
    for _ in range(times):
        answer = reply(decode(method, dense("risk", ROWS)))
        np.testing.assert_allclose(answer.scores, SCORES, rtol=1e-6)
        assert list(answer.label_indexes) == (SCORES >= 0.5).tolist()
        assert list(answer.levels) == ["low", "medium", "high"]
        assert list(answer.level_indexes) == np.digitize(SCORES, [0.3, 0.6]).tolist()
        assert not answer.lower
        assert not answer.outputs
        assert not answer.HasField("explanation")


@pytest.mark.parametrize("times", [1, 2])
def test_coverage_adds_bounds(method: LaneMethod, times: int) -> None:
    """One pair a row, cut to what can be."""
    for _ in range(times):
        answer = reply(decode(method, dense("risk", ROWS, coverage=0.9)))
        np.testing.assert_allclose(answer.scores, SCORES, rtol=1e-6)
        np.testing.assert_allclose(answer.lower, np.maximum(SCORES - 0.5, 0), atol=1e-6)
        np.testing.assert_allclose(answer.upper, np.minimum(SCORES + 0.7, 1), atol=1e-6)
        assert len(answer.level_indexes) == 3


def test_calls_with_different_coverage_share_a_batch(method: LaneMethod) -> None:
    """Each gets its own columns, of its own rows."""
    requests = [dense("risk", ROWS[:1]), dense("risk", ROWS[1:], coverage=0.5)]
    requests += [dense("risk", ROWS[:2], coverage=0.9)]
    jobs = [decode(method, request) for request in requests]
    assert len({id(job.queue) for job in jobs}) == 1
    answers = [scoring_pb2.ScoreResponse.FromString(payload) for payload in run_jobs(jobs)]
    assert [len(answer.scores) for answer in answers] == [1, 2, 2]
    assert [len(answer.lower) for answer in answers] == [0, 2, 2]
    np.testing.assert_allclose(answers[1].scores, SCORES[1:], rtol=1e-6)
    np.testing.assert_allclose(answers[1].upper, np.minimum(SCORES[1:] + 0.3, 1), atol=1e-6)
    np.testing.assert_allclose(answers[2].upper, np.minimum(SCORES[:2] + 0.7, 1), atol=1e-6)


def test_several_outputs_have_names(method: LaneMethod) -> None:
    """The main score among them; each with what it has of levels and bounds."""
    answer = reply(decode(method, dense("days", ROWS, coverage=0.9)))
    np.testing.assert_allclose(answer.scores, SCORES, rtol=1e-6)
    assert not answer.lower
    score, days = answer.outputs
    assert (score.name, score.unit, days.name, days.unit) == (
        "score",
        "probability",
        "days",
        "days",
    )
    assert list(score.values) == list(answer.scores)
    assert list(score.level_indexes) == list(answer.level_indexes)
    assert list(score.levels) == list(answer.levels) == ["low", "medium", "high"]
    assert list(days.values) == [7.0, 14.0, 5.0]
    np.testing.assert_allclose(days.lower, [5.6, 11.2, 4.0], rtol=1e-6)
    np.testing.assert_allclose(days.upper, [8.75, 17.5, 6.25], rtol=1e-6)
    assert not days.levels
    assert not score.lower


def test_many_rows_of_several_outputs(method: LaneMethod) -> None:
    """Lengths of more than one byte, nested."""
    rows = np.tile(ROWS, (30, 1))
    answer = reply(decode(method, dense("days", rows)))
    assert [len(output.values) for output in answer.outputs] == [90, 90]
    np.testing.assert_allclose(answer.outputs[0].values, np.tile(SCORES, 30), rtol=1e-6)
    assert list(answer.outputs[1].values) == [7.0, 14.0, 5.0] * 30


@pytest.mark.parametrize(
    ("name", "coverage", "told"),
    [
        ("risk", 0.7, "coverage: must be one of 0.5, 0.9, which score was calibrated for, got 0.7"),
        ("risk", float("nan"), "coverage: must be one of 0.5, 0.9"),
        ("risk", -0.9, "coverage: must be one of 0.5, 0.9"),
        ("days", 0.5, "coverage: must be one of 0.8, 0.9, which days was calibrated for"),
        ("ruled", 0.9, "coverage: ruled was not calibrated for intervals; leave coverage out"),
        ("bare", 0.9, "coverage: bare was not calibrated for intervals"),
    ],
)
def test_wrong_coverage(method: LaneMethod, name: str, coverage: float, told: str) -> None:
    """Named with what there is."""
    width = 3 if name == "bare" else 4
    code, message = refused(method, dense(name, [[1.0] * width], coverage=coverage))
    assert code == "INVALID_ARGUMENT"
    assert told in message


def test_clipped_and_defaulted_values_are_told(method: LaneMethod) -> None:
    """With the rows that they are in; the answer is that of the mended rows."""
    columns = [
        column("amount", 2.0, 11.0, -1.0),
        column("age", 30.0, 40.0, 50.0),
        column("note", 1.0, float("nan"), 0.0),
        column("plan", "plus", "gold", "max"),
    ]
    answer = reply(decode(method, named("risk", *columns)))
    kinds = scoring_pb2.WarningKind
    assert [(one.feature, one.kind, one.count, list(one.rows)) for one in answer.warnings] == [
        ("amount", kinds.WARNING_KIND_CLIPPED, 2, [1, 2]),
        ("note", kinds.WARNING_KIND_MISSING_DEFAULTED, 1, [1]),
        ("plan", kinds.WARNING_KIND_UNKNOWN_DEFAULTED, 1, [1]),
    ]
    mended = [ROW, [10.0, 40.0, 1.0, 0.0], [0.0, 50.0, 0.0, 2.0]]
    expected = 1 / (1 + np.exp(-score_models.logits(np.array(mended))))
    np.testing.assert_allclose(answer.scores, expected, rtol=1e-6)


def test_a_column_that_is_left_out_is_told(method: LaneMethod) -> None:
    """It is missing in every row; at most 16 of them are listed."""
    columns = [
        column("amount", *[2.0] * 40),
        column("age", *[30.0] * 40),
        column("plan", *["plus"] * 40),
    ]
    (warning,) = reply(decode(method, named("risk", *columns))).warnings
    assert (warning.feature, warning.count) == ("note", 40)
    assert list(warning.rows) == list(range(16))


def test_warnings_belong_to_their_call(method: LaneMethod) -> None:
    """Of calls in one batch, those with good rows have none; rows count from the call's first."""
    jobs = [
        decode(method, dense("risk", [ROW, ROW])),
        decode(method, dense("risk", [ROW, [12.0, 30.0, 1.0, 1.0]])),
        decode(method, dense("risk", [ROW])),
        decode(method, dense("risk", [[-3.0, 30.0, float("nan"), 1.0]])),
    ]
    for _ in range(2):  # a batch that fails is run again in parts
        answers = [scoring_pb2.ScoreResponse.FromString(payload) for payload in run_jobs(jobs)]
        told = [[(one.feature, list(one.rows)) for one in answer.warnings] for answer in answers]
        assert told == [[], [("amount", [1])], [], [("amount", [0]), ("note", [0])]]


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize(("age", "got"), [(17.0, "17"), (99.5, "99.5")])
def test_outside_of_the_range_is_refused_where_the_manifest_says_so(
    method: LaneMethod, rows: int, age: float, got: str
) -> None:
    """When the batch is put together, as all values are checked."""
    job = decode(method, dense("risk", [ROW] * (rows - 1) + [[2.0, age, 1.0, 1.0]]))
    (told,) = _bad_rows(job)
    assert told == f"rows[{rows - 1}].age: must be from 18 to 99, got {got}"


def test_infinite_numbers_are_not_clipped(method: LaneMethod) -> None:
    """They are no measurement that went too far."""
    job = decode(method, dense("risk", [[float("inf"), 30.0, 1.0, 1.0]]))
    assert _bad_rows(job) == ["rows[0].amount: must be a finite 32-bit number"]


def _bad_rows(job: Any) -> list[str]:
    with pytest.raises(BadRowsError) as caught:
        job.queue.model.assemble([job])
    return [error.message for _, error in caught.value.errors]
