"""What `decide` sends, what it refuses to send, and what it makes of a reply."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stubtail.v1 import common_pb2, decision_pb2, scoring_pb2
from stubtail_client import (
    Bounds,
    Decision,
    Internal,
    InvalidArgument,
    Limit,
    MaxChange,
    Profit,
    Range,
    Revenue,
    ScoreWarning,
    ValueAtRisk,
    Violation,
)
from stubtail_client.deciding import Question, decode_decision

PATIENT = [HealthCheck.too_slow]  # a busy machine is no fault of a strategy

ROW = {"price": 2, "plan": "basic", "week": None, "open": True}
GRID = {"price": [1.0, 2.0]}


def sent(**fields: Any) -> decision_pb2.DecideRequest:
    """The message of a question."""
    question: dict[str, Any] = {"model": "shop", "context": ROW, **fields}
    if "grid" not in fields and "candidates" not in fields:
        question["grid"] = GRID
    if "maximise" not in fields and "minimise" not in fields:
        question["maximise"] = "score"
    return decision_pb2.DecideRequest.FromString(Question(**question).encode())


def test_the_plain_question() -> None:
    """Missing values are left out, bool is a number."""
    made = sent()
    assert made.model == "shop"
    assert {name: value.WhichOneof("kind") for name, value in made.context.items()} == {
        "price": "number",
        "plan": "text",
        "open": "number",
    }
    assert (made.context["open"].number, made.context["plan"].text) == (1.0, "basic")
    assert (made.top, made.coverage, made.curve) == (10, 0.0, False)
    assert made.objective.expression == "score"
    assert made.objective.direction == decision_pb2.DIRECTION_MAXIMISE


def test_all_options_are_sent() -> None:
    """Each in its field."""
    made = sent(
        minimise="cost",
        parameters={"cost": np.float32(1.5), "where": "north"},
        coverage=0.9,
        top=3,
        curve=True,
        explain_excluded=True,
        allow_outside_range=True,
        priority="low",
    )
    assert made.objective.direction == decision_pb2.DIRECTION_MINIMISE
    assert (made.parameters["cost"].number, made.parameters["where"].text) == (1.5, "north")
    assert (made.coverage, made.top, made.priority) == (0.9, 3, common_pb2.PRIORITY_LOW)
    assert made.curve
    assert made.explain_excluded
    assert made.allow_outside_range


def test_a_grid_keeps_its_order_and_kinds() -> None:
    """Ranges, arrays, lists of numbers and of strings."""
    grid = {"a": Range(1, 2.5, 4), "b": np.arange(3), "c": ("x", "y"), "d": [True, 2]}
    first, second, third, fourth = sent(grid=grid).grid.axes
    assert [first.name, second.name, third.name, fourth.name] == list("abcd")
    assert (first.range.first, first.range.last, first.range.steps) == (1.0, 2.5, 4)
    assert list(second.numbers.values) == [0.0, 1.0, 2.0]
    assert list(third.texts.values) == ["x", "y"]
    assert list(fourth.numbers.values) == [1.0, 2.0]


def test_candidates_become_columns() -> None:
    """What one leaves out is NaN or an empty string, which keep the context's value."""
    candidates: list[dict[str, Any]] = [
        {"price": 1, "plan": None},
        {"plan": "plus"},
        {"price": 3.5},
    ]
    price, plan = sent(candidates=candidates).list.columns
    np.testing.assert_array_equal(price.numbers, [1.0, math.nan, 3.5])
    assert list(plan.strings) == ["", "plus", ""]


def test_named_objectives_and_constraints() -> None:
    """As their messages."""
    profit = sent(maximise=Profit("price", "cost", pessimistic=True)).objective
    assert (profit.profit.price, profit.profit.cost, profit.pessimistic) == ("price", "cost", True)
    assert sent(maximise=Revenue("price", "units")).objective.revenue.outcome == "units"
    risk = sent(minimise=ValueAtRisk("value")).objective
    assert (risk.value_at_risk.value, risk.value_at_risk.cost) == ("value", "")

    bounds, change, limit = sent(
        constraints=[
            Bounds("price", maximum=0.0),
            MaxChange("price", relative=0.0, name="near"),
            Limit("score", at_least=0.5, at_most=0.7),
        ]
    ).constraints
    assert not bounds.bounds.HasField("minimum")
    assert bounds.bounds.HasField("maximum")
    assert (change.name, change.max_change.WhichOneof("change")) == ("near", "relative")
    assert (limit.limit.at_least, limit.limit.at_most) == (0.5, 0.7)


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"context": [1]}, "context", "expected a dict, not list"),
        ({"context": {"price": [1]}}, "price", "neither a number nor a string"),
        ({"grid": {}, "candidates": []}, "candidates", "give either `grid` or `candidates`"),
        ({"grid": None, "candidates": None}, "candidates", "give either"),
        ({"grid": {"plan": "plus"}}, "grid[plan]", "expected a list of values, not 'plus'"),
        ({"grid": {"plan": []}}, "grid[plan]", "has no values"),
        ({"grid": {"plan": [1, "a"]}}, "plan", "a column holds either numbers or strings"),
        ({"grid": {"price": Range(1, 2, -1)}}, "grid[price]", "is not a range of numbers"),
        ({"grid": {"price": Range(1, "x", 2)}}, "grid[price]", "is not a range of numbers"),  # type: ignore[arg-type]  # a wrong call
        ({"grid": {"price": 2.0}}, "grid[price]", "expected a list of values, not 2.0"),
        ({"grid": {"price": None}}, "grid[price]", "expected a list of values, not None"),
        ({"grid": {"price": np.array(2.0)}}, "grid[price]", "expected a list of values"),
        ({"grid": {"\ud800": [2.0]}}, "grid[\ud800]", "a string is not valid Unicode"),
        ({"grid": {3: [2.0]}}, "grid[3]", "cannot be sent"),
        ({"grid": [2.0]}, "grid", "expected a dict of values, not list"),
        ({"candidates": [{"\ud800": 2.0}]}, "candidates", "a string is not valid Unicode"),
        ({"maximise": "\ud800"}, "objective", "a string is not valid Unicode"),
        ({"maximise": Revenue("\ud800")}, "objective", "a string is not valid Unicode"),
        ({"maximise": Profit(1, "a")}, "objective", "cannot be sent"),  # type: ignore[arg-type]  # a wrong call
        ({"constraints": [Limit("\ud800")]}, "constraints", "a string is not valid Unicode"),
        ({"constraints": [Bounds("a", minimum="1")]}, "constraints", "cannot be sent"),  # type: ignore[arg-type]  # a wrong call
        ({"constraints": [Bounds("a", 1, name="\ud800")]}, "constraints", "not valid Unicode"),
        ({"constraints": 3}, "constraints", "cannot be sent"),
        ({"parameters": {"\ud800": 1.0}}, "parameters", "a string is not valid Unicode"),
        ({"coverage": "high"}, "decide", "cannot be sent"),
        ({"candidates": [1]}, "candidates[0]", "expected a dict of changes, not int"),
        ({"maximise": "a", "minimise": "b"}, "objective", "give either `maximise` or `minimise`"),
        ({"maximise": None, "minimise": None}, "objective", "give either"),
        ({"maximise": 3}, "objective", "expected an expression, Revenue, Profit or ValueAtRisk"),
        ({"constraints": [MaxChange("a")]}, "constraints", "give relative or absolute"),
        ({"constraints": ["a > 1"]}, "constraints", "expected Bounds, MaxChange or Limit"),
        ({"top": 0}, "top", "is 1 to 10,000, not 0"),
        ({"top": 2.5}, "top", "is 1 to 10,000, not 2.5"),
    ],
)
def test_what_cannot_be_sent_is_refused_at_once(
    fields: dict[str, Any], field: str, expected: str
) -> None:
    """InvalidArgument with the argument, before anything is sent."""
    with pytest.raises(InvalidArgument) as error:
        sent(**fields)
    (violation,) = error.value.violations
    assert violation.field == field
    assert expected in violation.description


def outcomes(count: int, **fields: Any) -> decision_pb2.Outcomes:
    """Candidates with columns of one length."""
    numbers = [float(index) for index in range(count)]
    made: dict[str, Any] = {
        "positions": range(count),
        "changes": [
            scoring_pb2.Column(name="price", numbers=numbers),
            scoring_pb2.Column(name="plan", strings=["plus"] * count),
        ],
        "predicted": numbers,
        "objective": [2 * number for number in numbers],
        "slacks": [decision_pb2.Slack(values=numbers)],
        "outputs": [scoring_pb2.Column(name="days", numbers=numbers)],
    }
    return decision_pb2.Outcomes(**(made | fields))


def reply(**fields: Any) -> decision_pb2.DecideResponse:
    """A reply with two ranked candidates."""
    made: dict[str, Any] = {
        "model": "shop",
        "version": "3",
        "feasible": True,
        "candidate_count": 5,
        "feasible_count": 2,
        "constraints": ["near"],
        "ranked": outcomes(2),
        "baseline": outcomes(1, positions=[]),
        "exclusions": [decision_pb2.Exclusion(reason="near", count=3)],
    }
    return decision_pb2.DecideResponse(**(made | fields))


def decoded(**fields: Any) -> Decision:
    """The decision in a reply."""
    return decode_decision(reply(**fields).SerializeToString())


def test_a_decision_has_options_and_columns() -> None:
    """The best first; the baseline has no position."""
    decision = decoded()
    best = decision.best
    assert best is not None
    assert (best.position, best["price"], best["plan"], best.lower) == (0, 0.0, "plus", None)
    second = decision.ranked[-1]
    assert (second.objective, second.slacks, second.outputs) == (2.0, {"near": 1.0}, {"days": 1.0})
    assert [option.predicted for option in decision.ranked] == [0.0, 1.0]
    assert decision.baseline.position is None
    assert decision.exclusions == {"near": 3}
    assert (decision.nearest, decision.curve, decision.excluded) == (None, None, None)
    assert "2 of 5 feasible" in repr(decision)
    with pytest.raises(KeyError):
        best["colour"]
    with pytest.raises(IndexError):
        decision.ranked[2]


def test_bounds_the_curve_and_what_was_excluded() -> None:
    """Only where they were asked for."""
    decision = decoded(
        curve=outcomes(3, lower=[0, 1, 2], upper=[1, 2, 3], feasible=[True, False, True]),
        excluded=decision_pb2.ExcludedCandidates(positions=[1], exclusions=[0]),
        warnings=[
            scoring_pb2.ScoreWarning(
                feature="age", kind=scoring_pb2.WARNING_KIND_CLIPPED, count=1, rows=[0]
            )
        ],
    )
    assert decision.curve is not None
    assert decision.curve.feasible.tolist() == [True, False, True]
    assert decision.curve[2].upper == 3.0
    assert decision.excluded == {1: "near"}
    assert decision.warnings == (ScoreWarning("age", "clipped", 1, (0,)),)
    frame = decision.curve.to_frame()
    assert list(frame.columns) == [
        "position", "price", "plan", "predicted", "lower", "upper", "objective", "feasible",
        "days", "slack of near",
    ]  # fmt: skip


def test_nothing_feasible_has_no_best() -> None:
    """But the nearest, and what it violates."""
    decision = decoded(
        feasible=False,
        ranked=None,
        nearest=outcomes(1),
        violations=[decision_pb2.Violation(constraint="near", slack=-1, reason="too far")],
    )
    assert decision.best is None
    assert len(decision.ranked) == 0
    assert decision.nearest is not None
    assert decision.nearest.position == 0
    assert decision.violations == (Violation("near", -1.0, "too far"),)
    assert "nearest=" in repr(decision)


@pytest.mark.parametrize(
    "fields",
    [
        {"ranked": outcomes(2, objective=[1.0])},
        {"ranked": outcomes(2, positions=[1])},
        {"ranked": outcomes(2, slacks=[])},
        {"ranked": outcomes(2, lower=[1.0])},
        {"ranked": outcomes(2, changes=[scoring_pb2.Column(name="price", numbers=[1.0])])},
        {"baseline": None},
        {"excluded": decision_pb2.ExcludedCandidates(positions=[1], exclusions=[7])},
        {"excluded": decision_pb2.ExcludedCandidates(positions=[1])},
    ],
)
def test_a_reply_that_does_not_fit_is_malformed(fields: dict[str, Any]) -> None:
    """Internal, never an exception of another library."""
    with pytest.raises(Internal) as error:
        decoded(**fields)
    assert error.value.reason == "MALFORMED_REPLY"


@given(st.binary(max_size=100))
@settings(max_examples=200, deadline=None, suppress_health_check=PATIENT)
def test_any_bytes_are_a_decision_or_malformed(data: bytes) -> None:
    """Whatever answers there."""
    for payload in (data, reply().SerializeToString() + data):
        try:
            found = decode_decision(payload)
        except Internal:
            continue
        assert isinstance(found, Decision)
