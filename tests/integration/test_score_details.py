"""Score with intervals, levels, outputs, reasons, warnings and several models, over real gRPC."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.v1 import scoring_pb2
from tests import score_models
from tests.integration.calls import (
    SCORE,
    Code,
    dense,
    named,
    refused,
    refused_field,
    score,
)
from tests.integration.customers import Customers

ROWS = np.array([[2, 30, 1, 1], [9, 18, 2, 2], [0, 99, 0, 0]], np.float32)
SCORES = 1 / (1 + np.exp(-score_models.logits(ROWS)))
Explain = scoring_pb2.Explain


def several(models: list[str], rows: Any, **more: Any) -> scoring_pb2.ScoreRequest:
    """A dense request to several models."""
    request = dense("", rows, **more)
    request.models.extend(models)
    return request


def total(answer: scoring_pb2.ScoreResponse) -> np.ndarray:
    """What base value, contributions and rest add up to, for each row."""
    reasons = answer.explanation
    values = np.array(reasons.contributions).reshape(len(reasons.rest), reasons.top)
    return np.asarray(reasons.base_value + values.sum(axis=1) + np.array(reasons.rest))


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_and_levels(details: grpc.Channel, coverage: float) -> None:
    """Through onnxruntime, on both transports; twice, as the second comes from the head cache."""
    interval: dict[str, Any] = score_models.OUTCOME
    at = interval["coverages"].index(coverage)
    below, above = interval["below"][at], interval["above"][at]
    for _ in range(2):
        answer = score(details, dense("risk", ROWS, coverage=coverage))
        np.testing.assert_allclose(answer.scores, SCORES, rtol=1e-5)
        np.testing.assert_allclose(answer.lower, np.maximum(SCORES - below, 0), atol=1e-5)
        np.testing.assert_allclose(answer.upper, np.minimum(SCORES + above, 1), atol=1e-5)
        assert list(answer.level_indexes) == np.digitize(SCORES, [0.3, 0.6]).tolist()


def test_named_outputs(details: grpc.Channel) -> None:
    """Of one run, by name, with the interval that another output of the graph scales."""
    answer = score(details, dense("days", ROWS, coverage=0.8))
    first, days = answer.outputs
    assert (first.name, days.name, days.unit) == ("score", "days", "days")
    np.testing.assert_allclose(first.values, SCORES, rtol=1e-5)
    np.testing.assert_allclose(days.values, [7, 14, 5])
    np.testing.assert_allclose(days.lower, [6.3, 12.6, 4.5], rtol=1e-5)
    np.testing.assert_allclose(days.upper, [8.05, 16.1, 5.75], rtol=1e-5)


@pytest.mark.parametrize("top", [0, 2])
def test_reasons_add_up(details: grpc.Channel, top: int) -> None:
    """To the log-odds of the score, with two of four named, or with all."""
    answer = score(details, dense("risk", ROWS, explain=Explain(top=top)))
    assert answer.explanation.exact
    assert answer.explanation.link == scoring_pb2.LINK_LOGIT
    np.testing.assert_allclose(total(answer), score_models.logits(ROWS), atol=1e-4)
    np.testing.assert_allclose(answer.scores, SCORES, rtol=1e-5)


def test_reasons_of_the_shipped_model(details: grpc.Channel, customers: Customers) -> None:
    """They add up to the score, and are the same alone, together and once more."""
    rows = customers.rows(8, seed=6)
    together = score(details, dense("churn", rows, explain=Explain(top=5)))
    assert not together.explanation.exact
    np.testing.assert_allclose(total(together), together.scores, atol=1e-5)
    values = np.array(together.explanation.contributions).reshape(8, 5)
    for row, expected in zip(rows, values, strict=True):
        alone = score(details, dense("churn", row, explain=Explain(top=5)))
        np.testing.assert_allclose(alone.explanation.contributions, expected, atol=1e-5)


def test_heavy_explained_calls_leave_room_for_others(
    details: grpc.Channel, customers: Customers
) -> None:
    """Explained calls of many rows and plain calls at once: each gets its own answer."""
    rows = np.random.default_rng(2).normal(size=(24, score_models.WIDE_FEATURES))
    heavy = dense("wide", rows, explain=Explain(top=3))
    people = customers.rows(16, seed=9)
    expected = customers.scores(people)
    with ThreadPoolExecutor(8) as pool:
        explained = [pool.submit(score, details, heavy) for _ in range(4)]
        plain = [pool.submit(score, details, dense("churn", row)) for row in people]
        for answer, right in zip(plain, expected, strict=True):
            np.testing.assert_allclose(answer.result().scores, [right], rtol=1e-5)
        first, *others = [answer.result() for answer in explained]
    np.testing.assert_allclose(total(first), first.scores, atol=1e-5)
    for other in others:
        np.testing.assert_allclose(other.explanation.rest, first.explanation.rest, atol=1e-6)


def test_warnings(details: grpc.Channel) -> None:
    """One clipped, one unknown and one missing value, with the rows."""
    columns: dict[str, Any] = {"amount": [2.0, 50.0], "age": [30.0, 40.0], "plan": ["gold", "plus"]}
    answer = score(details, named("risk", columns))
    told = {one.feature: (one.kind, list(one.rows)) for one in answer.warnings}
    assert told == {
        "amount": (scoring_pb2.WARNING_KIND_CLIPPED, [1]),
        "note": (scoring_pb2.WARNING_KIND_MISSING_DEFAULTED, [0, 1]),
        "plan": (scoring_pb2.WARNING_KIND_UNKNOWN_DEFAULTED, [0]),
    }
    assert not score(details, dense("risk", ROWS)).warnings


def test_several_models_in_one_trip(details: grpc.Channel) -> None:
    """Dense rows for models of the same width; each answers as if alone."""
    for _ in range(2):
        answer = score(details, several(["days", "risk"], ROWS, coverage=0.9))
        assert [one.model for one in answer.results] == ["days", "risk"]
        for one in answer.results:
            assert one == score(details, dense(one.model, ROWS, coverage=0.9))


def test_several_models_on_named_columns(details: grpc.Channel, customers: Customers) -> None:
    """A model of other features takes its own columns of the same rows."""
    people = customers.rows(3, seed=4)
    columns = customers.columns(people)
    columns |= {"amount": [2.0, 9.0, 0.0], "age": [30.0, 18.0, 99.0]}
    columns |= {"note": [1.0, 2.0, 0.0], "plan": ["plus", "max", "basic"]}
    request = named("", columns)
    request.models.extend(["churn", "risk"])
    churn, risk = score(details, request).results
    np.testing.assert_allclose(churn.scores, customers.scores(people), rtol=1e-5)
    np.testing.assert_allclose(risk.scores, SCORES, rtol=1e-5)


def test_a_failing_model_is_named(details: grpc.Channel) -> None:
    """The call fails with the model and version; a good call beside it is answered."""
    rows = ROWS.copy()
    rows[:, 0] = [0.5, 1.5, 5.0]  # a valid amount that the graph of `fragile` cannot look up
    found = refused(details, SCORE, several(["risk", "fragile"], rows))
    assert (found.code, found.reason) == (Code.INTERNAL, "INFERENCE_FAILED")
    assert found.metadata == {"model": "fragile", "version": "1"}
    assert len(score(details, several(["risk", "fragile"], rows[:2])).results) == 2


@pytest.mark.parametrize(
    ("request_", "field", "expected"),
    [
        (dense("risk", ROWS, coverage=0.7), "coverage", "must be one of 0.5, 0.9, which score"),
        (dense("wide", np.zeros(12), coverage=1.5), "coverage", "must be one of 0.5, 0.9"),
        (dense("affine", [1, 2, 3], coverage=0.9), "coverage", "affine was not calibrated for"),
        (dense("risk", ROWS, explain=Explain(top=5)), "explain.top", "must be 0 to 4, as risk"),
        (dense("days", ROWS, explain=Explain()), "explain", "days has no background rows"),
        (
            dense("wide", np.zeros((500, 12)), explain=Explain()),
            "explain",
            "wide can be explained for at most",
        ),
        (several(["risk"] * 2, ROWS), "models[1]", "risk@1 is there twice"),
        (several(["risk"] * 17, ROWS), "models", "must be 1 to 16 models, got 17"),
        (several(["risk", ""], ROWS), "models[1]", "must name a model"),
        (several(["risk"], ROWS, explain=Explain()), "explain", "must not be set together with"),
        (dense("risk", [[1, 5, 1, 1]]), "rows[0].age", "must be from 18 to 99, got 5"),
    ],
)
def test_wrong_requests(details: grpc.Channel, request_: Any, field: str, expected: str) -> None:
    """Each new field, with what was expected there."""
    found, told = refused_field(details, SCORE, request_)
    assert found == field
    assert told.startswith(expected)


@pytest.mark.parametrize(
    ("models", "field", "told"),
    [
        (["risk", "wide"], "dense.values", "wide: dense.values: must be 1 to"),
        (["risk", "days"], "rows[0].age", "risk: rows[0].age: must be from 18 to 99"),
    ],
)
def test_an_error_of_one_of_several_names_it(
    details: grpc.Channel, models: list[str], field: str, told: str
) -> None:
    """In the message and in its metadata; the details name the field."""
    found = refused(details, SCORE, several(models, [[1, 5, 1, 1]]))
    assert found.code is Code.INVALID_ARGUMENT
    assert found.message.startswith(told)
    assert list(found.fields) == [field]
    assert found.metadata["model"] == told.partition(":")[0]


def test_unknown_model_among_several(details: grpc.Channel) -> None:
    """NOT_FOUND with its name, as when it is called alone."""
    found = refused(details, SCORE, several(["risk", "nobody"], ROWS))
    assert (found.code, found.resource) == (Code.NOT_FOUND, ("stubtail.model", "nobody"))


def test_timing_of_an_explained_call(details: grpc.Channel) -> None:
    """Its batch has all evaluations, so that cost is where callers and admission see it."""
    request = dense("wide", np.ones(12), explain=Explain()).SerializeToString()
    untyped: Any = details
    _, done = untyped.unary_unary(SCORE).with_call(
        request, timeout=20.0, metadata=(("stubtail-timing", "1"),)
    )
    timing = dict(done.trailing_metadata())["stubtail-timing"]
    assert int(timing.rpartition("batch_rows=")[2]) > 500
