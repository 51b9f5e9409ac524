"""Several models in one call: one result each, shared columns, and errors that name the model."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from stubtail.endpoints.lane_method import Deadlines, LaneMethod
from stubtail.endpoints.scoring import PATH, ScoreReader
from stubtail.endpoints.served import ServedModels
from stubtail.lane.batch_run import BadRowsError, RunError
from stubtail.v1 import scoring_pb2
from tests.unit.endpoints import detailed
from tests.unit.endpoints.detailed import ROW
from tests.unit.endpoints.loaded import LIMITS, Shelf, run_jobs
from tests.unit.endpoints.scored import column, decode, refused, reply

ROWS = [ROW, [4.0, 18.0, 2.0, 2.0]]


@pytest.fixture(scope="module")
def method() -> LaneMethod:
    """Score over the models of `detailed`."""
    return detailed.method()


def dense(models: Any, values: Any, **more: Any) -> bytes:
    """A dense request to several models."""
    rows = scoring_pb2.DenseRows(values=np.asarray(values, np.float32).ravel().tolist())
    return scoring_pb2.ScoreRequest(models=models, dense=rows, **more).SerializeToString()


def named(models: Any, *columns: scoring_pb2.Column, **more: Any) -> bytes:
    """A named request to several models."""
    rows = scoring_pb2.NamedRows(columns=columns)
    return scoring_pb2.ScoreRequest(models=models, named=rows, **more).SerializeToString()


def one(name: str, values: Any, **more: Any) -> bytes:
    """The same for one model."""
    rows = scoring_pb2.DenseRows(values=np.asarray(values, np.float32).ravel().tolist())
    return scoring_pb2.ScoreRequest(model=name, dense=rows, **more).SerializeToString()


@pytest.mark.parametrize("times", [1, 3])
def test_each_model_answers_as_if_alone(method: LaneMethod, times: int) -> None:
    """In the order of the request; read in full and from the head cache."""
    for index in range(times):
        rows = [[index, *ROW[1:]], *ROWS]
        answer = reply(decode(method, dense(["days", "risk"], rows)))
        assert [result.model for result in answer.results] == ["days", "risk"]
        for result in answer.results:
            assert result == reply(decode(method, one(result.model, rows)))
        assert not answer.model
        assert not answer.scores


def test_a_single_one_of_several_has_a_result_too(method: LaneMethod) -> None:
    """Programs that send a list get a list."""
    (result,) = reply(decode(method, dense(["risk@1"], ROWS))).results
    assert result == reply(decode(method, one("risk", ROWS)))


def test_columns_go_to_the_models_that_know_them(method: LaneMethod) -> None:
    """`wide` shares no column with `risk`; one of `ruled` has the same name as in `risk`."""
    wide = [column(f"w{index}", 0.1 * index, 0.2) for index in range(12)]
    risk = [
        column("amount", 2.0, 4.0),
        column("age", 30.0, 18.0),
        column("note", 1.0, 2.0),
        column("plan", "plus", "max"),
    ]
    answer = reply(decode(method, named(["risk", "wide", "days"], *risk, *wide)))
    assert [len(result.scores) for result in answer.results] == [2, 2, 2]
    assert answer.results[0] == reply(decode(method, one("risk", ROWS)))


def test_coverage_is_for_those_that_have_intervals(method: LaneMethod) -> None:
    """The others answer without."""
    answer = reply(decode(method, dense(["risk", "fragile"], ROWS, coverage=0.9)))
    assert [len(result.lower) for result in answer.results] == [2, 0]


def test_calls_share_a_batch(method: LaneMethod) -> None:
    """Each gets its own rows of every model."""
    requests = [dense(["risk", "days"], ROWS), dense(["risk", "days"], ROWS[1:])]
    jobs = [decode(method, request) for request in requests]
    assert jobs[0].queue is jobs[1].queue
    assert jobs[0].encoder is jobs[1].encoder
    for payload, rows in zip(run_jobs(jobs), (ROWS, ROWS[1:]), strict=True):
        answer = scoring_pb2.ScoreResponse.FromString(payload)
        assert answer.results[0] == reply(decode(method, one("risk", rows)))
        assert answer.results[1] == reply(decode(method, one("days", rows)))


def test_warnings_are_in_the_result_of_their_model(method: LaneMethod) -> None:
    """Also when the batch is put together a second time."""
    job = decode(method, dense(["risk", "days"], [[12.0, *ROW[1:]]]))
    for _ in range(2):
        answer = reply(job)
        assert [[w.feature for w in result.warnings] for result in answer.results] == [
            ["amount"],
            ["amount"],
        ]


def test_a_value_that_one_model_forbids(method: LaneMethod) -> None:
    """Refuses the call and names the model; the others in the batch are answered."""
    good = decode(method, dense(["days", "risk"], ROWS))
    bad = decode(method, dense(["days", "risk"], [[1.0, 5.0, 1.0, 1.0]]))
    with pytest.raises(BadRowsError) as caught:
        good.queue.model.assemble([good, bad])
    ((job, error),) = caught.value.errors
    assert job is bad
    assert error.message == "days: rows[0].age: must be from 18 to 99, got 5"
    assert len(reply(good).results) == 2


def test_a_model_that_fails_is_named(method: LaneMethod) -> None:
    """With its version, as when it is called alone."""
    job = decode(method, dense(["risk", "fragile"], [[6.0, *ROW[1:]]]))
    runner = job.queue.model
    with pytest.raises(RunError) as caught:
        runner.run(runner.assemble([job]))
    assert caught.value.error.reason == "INFERENCE_FAILED"
    assert "model fragile version 1 failed" in caught.value.error.message


@pytest.mark.parametrize(
    ("payload", "code", "told"),
    [
        (dense(["risk", "none"], ROWS), "NOT_FOUND", "no none"),
        (dense(["risk", "risk@1"], ROWS), "INVALID_ARGUMENT", "models[1]: risk@1 is there twice"),
        (dense(["risk", ""], ROWS), "INVALID_ARGUMENT", "models[1]: must name a model"),
        (dense(["risk"] * 17, ROWS), "INVALID_ARGUMENT", "models: must be 1 to 16 models, got 17"),
        (
            dense(["risk"], ROWS, model="risk"),
            "INVALID_ARGUMENT",
            "models: must not be set together with `model`",
        ),
        (
            dense(["risk"], ROWS, explain=scoring_pb2.Explain()),
            "INVALID_ARGUMENT",
            "explain: must not be set together with `models`",
        ),
        (
            dense(["risk", "wide"], ROWS),
            "INVALID_ARGUMENT",
            "wide: dense.values: must be 1 to 100 rows of 12 features, got 8 values",
        ),
        (
            dense(["risk", "days"], ROWS, coverage=0.5),
            "INVALID_ARGUMENT",
            "days: coverage: must be one of 0.8, 0.9",
        ),
        (
            dense(["fragile", "ruled"], ROWS, coverage=0.5),
            "INVALID_ARGUMENT",
            "coverage: none of the models was calibrated for intervals",
        ),
        (
            named(["risk", "days"], column("amount", 1.0), column("tenure", 1.0)),
            "INVALID_ARGUMENT",
            "named.columns[tenure]: is a feature of none of the models",
        ),
        (
            named(["risk", "wide"], column("amount", 1.0), column("w0", 1.0)),
            "INVALID_ARGUMENT",
            "risk: named.columns[age]: is required and was not sent; missing: age, plan",
        ),
        (named(["risk", "bare"], column("amount", 1.0)), "INVALID_ARGUMENT", "models[1]: bare has"),
        (
            scoring_pb2.ScoreRequest(models=["risk"]).SerializeToString(),
            "INVALID_ARGUMENT",
            "risk: rows: must be set",
        ),
    ],
)
def test_wrong_requests(method: LaneMethod, payload: bytes, code: str, told: str) -> None:
    """Each names what is wrong, and the model where it is one of them."""
    found = refused(method, payload)
    assert found[0] == code
    assert told in found[1]


def test_models_with_different_numbers_of_rows(method: LaneMethod) -> None:
    """Columns of models that share none may differ; the call may not."""
    wide = [column(f"w{index}", 0.5) for index in range(12)]
    risk = [column("amount", 2.0, 4.0), column("age", 30.0, 18.0), column("plan", "plus", "max")]
    code, message = refused(method, named(["risk", "wide"], *risk, *wide))
    assert code == "INVALID_ARGUMENT"
    assert "must have the same number of values: 2 for risk, 1 for wide" in message


def test_a_new_version_answers_calls_of_several() -> None:
    """What was kept for the old version is not used again."""
    shelf = Shelf(detailed.RISK, detailed.DAYS)
    models = ServedModels(cast("Any", shelf), LIMITS)
    models.update()
    method = LaneMethod(PATH, ScoreReader(models), models, Deadlines(5.0, 30.0))
    request = dense(["risk", "days"], ROWS)
    assert reply(decode(method, request)).results[0].version == "1"
    shelf.put(replace(detailed.RISK, version="2"), detailed.DAYS)
    models.update()
    job = decode(method, request)
    assert reply(job).results[0].version == "2"
    assert decode(method, request).queue is job.queue
