"""What Score makes of models without a manifest: types, columns, and what it cannot do."""

from typing import Any

import grpc
import numpy as np
import pytest

from stubtail.v1 import scoring_pb2
from tests.integration.calls import (
    SCORE,
    Code,
    dense,
    infer,
    infer_request,
    named,
    refused,
    score,
)


def test_more_than_two_classes_have_no_single_score(odd: grpc.Channel) -> None:
    """Probabilities and labels for three classes; `scores` stays empty."""
    rows = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
    answer = infer(odd, infer_request("three", x=rows))

    reply = score(odd, dense("three", rows))

    assert list(reply.scores) == []
    np.testing.assert_array_equal(reply.probabilities, answer["probabilities"].ravel())
    assert list(reply.label_indexes) == [2, 0]


def test_named_columns_reach_the_inputs_of_a_model_without_manifest(odd: grpc.Channel) -> None:
    """Each column is the input of its name, converted to its type, in any order."""
    columns: dict[str, Any] = {
        "s": ["x", "", "y"],
        "b": [1.0, -2.0, 2.0**52],
        "a": [0.5, 2.5, 1e-3],
    }
    reply = score(odd, named("columns", columns))
    expected = np.array([0.5, 2.5, 1e-3], "f4") + np.array([1, -2, 2**52], "f4")
    np.testing.assert_array_equal(reply.scores, expected)
    assert (reply.model, reply.version) == ("columns", "1")


@pytest.mark.parametrize(
    ("change", "field", "expected"),
    [
        ({"a": [1e300]}, "named.columns[a].numbers[0]", "must be a value of FP32, got 1e+300"),
        ({"b": [1.5]}, "named.columns[b].numbers[0]", "must be a value of INT64, got 1.5"),
        ({"b": [1e30]}, "named.columns[b].numbers[0]", "must be a value of INT64, got 1e+30"),
        (
            {"b": [float("nan")]},
            "named.columns[b].numbers[0]",
            "must be a value of INT64, got nan",
        ),
        ({"b": ["x"]}, "named.columns[b].numbers", "must have 1 values, got 0"),
        ({"s": [1.0]}, "named.columns[s].strings", "must have 1 values, got 0"),
        ({"a": [1.0, 2.0]}, "named.columns[b].numbers", "must have 2 values, got 1"),
        ({"c": [1.0]}, "named.columns", "must be exactly a, b, s"),
    ],
)
def test_values_that_an_input_cannot_hold_are_refused(
    odd: grpc.Channel, change: dict[str, Any], field: str, expected: str
) -> None:
    """Without a manifest the types of the graph are the rules: nothing is rounded or cut."""
    columns: dict[str, Any] = {"a": [1.0], "b": [1.0], "s": ["x"]}
    found = refused(odd, SCORE, named("columns", columns | change))
    assert found.code == Code.INVALID_ARGUMENT
    assert found.fields == {field: expected}


def test_dense_rows_are_converted_to_the_type_of_the_input(odd: grpc.Channel) -> None:
    """Whole numbers for an integer input; anything else is refused."""
    assert list(score(odd, dense("picky", [3, 0, 2])).scores) == [3, 0, 2]
    for value in (0.5, float("nan"), float("inf"), 1e30):
        found = refused(odd, SCORE, dense("picky", [1, value]))
        assert list(found.fields) == ["dense.values[1]"]


def test_scores_beyond_float32_are_infinite(odd: grpc.Channel) -> None:
    """A graph may compute in doubles; a score is a float."""
    assert list(score(odd, dense("doubles", [0, 1, -1])).scores) == [0, np.inf, -np.inf]
    answer = infer(odd, infer_request("doubles", x=np.array([[2.0]])))["y"]
    np.testing.assert_array_equal(answer, [[2e300]])


@pytest.mark.parametrize(
    ("request_of", "field"),
    [
        (dense("total", [1, 2, 3]), "model"),
        (dense("strings", [1]), "dense"),
        (dense("pair", [1, 2]), "dense"),
        (dense("free", [1, 2]), "dense"),
        (dense("no_inputs", [1]), "dense"),
        (named("pair", {"a": [1.0], "b": [1.0]}), "named"),
        (named("no_inputs", {"a": [1.0]}), "named"),
        (named("scalar", {"x": [1.0], "k": [1.0]}), "named"),
    ],
)
def test_score_says_what_it_cannot_do_with_a_model(
    odd: grpc.Channel, request_of: scoring_pb2.ScoreRequest, field: str
) -> None:
    """A model that has no score, or takes no block of floats, is for ModelInfer."""
    found = refused(odd, SCORE, request_of)
    assert (found.code, list(found.fields)) == (Code.INVALID_ARGUMENT, [field])
