"""Wrong requests to Decide, on both transports: each field says what was expected of it."""

import math
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from stubtail.endpoints.decide import PATH, REQUEST_BYTES_MAX
from stubtail.v1 import decision_pb2
from tests.integration.calls import Code, refused, refused_field
from tests.integration.decide_calls import decide, request, value

Change = Callable[[Any], object]


def parameter(made: Any, **plain: float | str) -> None:
    """Adds parameters."""
    for name, one in plain.items():
        made.parameters[name].CopyFrom(value(one))


def constraint(**fields: Any) -> Change:
    """Adds a constraint."""
    return lambda made: made.constraints.add(**fields)


def objective(text: str) -> Change:
    """Sets the expression."""
    return lambda made: setattr(made.objective, "expression", text)


def limited(text: str, **limits: float) -> Change:
    """Adds a limit on an expression."""
    return constraint(limit=decision_pb2.Limit(expression=text, **limits))


def axis(**fields: Any) -> Change:
    """Sets the only axis."""

    def change(made: Any) -> None:
        del made.grid.axes[:]
        made.grid.axes.add(**fields)

    return change


def ranged(**fields: Any) -> Change:
    """Sets the only axis, a range of prices."""
    return axis(name="price", range=decision_pb2.Range(**fields))


def context(name: str, plain: float | str) -> Change:
    """Sets a value of the context."""
    return lambda made: made.context[name].CopyFrom(value(plain))


WRONG: list[tuple[Change, str, str]] = [
    (lambda made: made.ClearField("model"), "model", "must name a model"),
    (lambda made: setattr(made, "model", "affine"), "model", "has no manifest with feature names"),
    (lambda made: setattr(made, "priority", 9), "priority", "must be 0 to 4, got 9"),
    (lambda made: made.context.pop("price"), "context[price]", "is required and was not sent"),
    (context("price", math.nan), "context[price]", "is required and was not sent"),
    (context("price", math.inf), "context[price]", "must be a finite 32-bit number"),
    (context("price", 1e39), "context[price]", "must be a finite 32-bit number"),
    (context("price", "two"), "context[price]", "is a number and must be sent as one"),
    (context("plan", 1.0), "context[plan]", "is a category and must be sent as text"),
    (context("plan", "plusses"), "context[plan]", "'plusses' is not one of 'basic', 'plus'"),
    (context("prise", 1.0), "context[prise]", "did you mean 'price'?"),
    (lambda made: parameter(made, price=1.0), "parameters[price]", "is a feature of the model"),
    (lambda made: parameter(made, cost=math.nan), "parameters[cost]", "must have a value"),
    (lambda made: parameter(made, cost=math.inf), "parameters[cost]", "must be a finite number"),
    (lambda made: parameter(made, text="x" * 257), "parameters[text]", "at most 256 characters"),
    (lambda made: made.parameters[""].CopyFrom(value(1.0)), "parameters[]", "must have a name"),
    (
        lambda made: parameter(made, **{f"p{i}": 1.0 for i in range(64)}),
        "parameters",
        "must be at most 64, got 65",
    ),
    (lambda made: made.ClearField("grid"), "candidates", "must be set: `list` or `grid`"),
    (lambda made: made.list.Clear() or made.list.SetInParent(), "list.columns", "must be 1 to 64"),
    (lambda made: made.list.columns.add(name="price"), "list.columns[price]", "must have 1 to"),
    (
        lambda made: made.list.columns.add(name="price", numbers=[1.0], strings=["a"]),
        "list.columns[price]",
        "has both numbers and strings",
    ),
    (lambda made: made.grid.ClearField("axes"), "grid.axes", "must be 1 to 8 axes, got 0"),
    (axis(name="price"), "grid.axes[0]", "must be set: `range`, `numbers` or `texts`"),
    (axis(name="colour", texts={"values": ["a"]}), "grid.axes[0].name", "'colour' is"),
    (axis(name="price", numbers={}), "grid.axes[0].numbers.values", "must have at least one value"),
    (axis(name="plan", numbers={"values": [1]}), "grid.axes[0].numbers.values", "as strings"),
    (axis(name="plan", texts={"values": ["x"]}), "grid.axes[0].texts.values[0]", "is not one of"),
    (axis(name="price", numbers={"values": [math.nan]}), "grid.axes[0].numbers.values[0]", "nan"),
    (ranged(first=1, last=2), "grid.axes[0].range.steps", "must be 1 to 10,000, got 0"),
    (ranged(first=1, last=2, steps=2**32 - 1), "grid.axes[0].range.steps", "got 4294967295"),
    (ranged(first=math.nan, last=2, steps=2), "grid.axes[0].range.first", "must be a finite"),
    (ranged(first=1, last=math.inf, steps=2), "grid.axes[0].range.last", "must be a finite"),
    (ranged(first=-1e308, last=1e308, steps=9), "grid.axes[0].range[0]", "must be a finite"),
    (
        lambda made: [
            made.grid.axes.add(name=name, range=decision_pb2.Range(first=1, last=2, steps=10_000))
            for name in ("week", "cost")
        ],
        "grid.axes",
        "must make at most 10,000 candidates",
    ),
    (lambda made: made.ClearField("objective"), "objective", "must be set: `expression`"),
    (objective(""), "objective.expression", "at character 1: expected a value, got the end"),
    (objective("prise + 1"), "objective.expression", "at character 1: there is no prise; did you"),
    (objective("price + plan"), "objective.expression", "at character 9: + takes a number"),
    (objective("price > 1"), "objective.expression", "must give a number, gives a bool"),
    (objective("lower"), "objective.expression", "lower is not known: coverage is not set"),
    (objective("__import__('os')"), "objective.expression", "there is no function __import__"),
    (objective("(" * 1000), "objective.expression", "is nested deeper than 32 levels"),
    (objective("1" * 2001), "objective.expression", "must have at most 2,000 characters"),
    (lambda made: setattr(made.objective, "direction", 7), "objective.direction", "must be 0 to 2"),
    (lambda made: setattr(made.objective.profit, "price", ""), "objective.profit.price", "is not"),
    (lambda made: setattr(made.objective.profit, "cost", "x"), "objective.profit.cost", "'x' is"),
    (lambda made: setattr(made.objective.profit, "cost", "plan"), "objective.profit.cost", "not a"),
    (
        lambda made: setattr(made.objective.profit, "outcome", "units2"),
        "objective.profit.outcome",
        "is not an output of the model; did you mean 'units'?",
    ),
    (lambda made: setattr(made.objective, "pessimistic", True), "objective.pessimistic", "needs"),
    (constraint(), "constraints[0]", "must be set: `bounds`, `max_change` or `limit`"),
    (constraint(name="x" * 129, bounds={}), "constraints[0].name", "at most 128 characters"),
    (constraint(bounds={"name": "x"}), "constraints[0].bounds.name", "is not a feature or a"),
    (constraint(bounds={"name": "plan"}), "constraints[0].bounds.name", "'plan' is not a number"),
    (constraint(bounds={"name": "price"}), "constraints[0].bounds", "must set `minimum` or"),
    (
        constraint(bounds={"name": "price", "minimum": 2, "maximum": 1}),
        "constraints[0].bounds.minimum",
        "2 is above maximum, 1",
    ),
    (
        constraint(bounds={"name": "price", "minimum": math.nan}),
        "constraints[0].bounds.minimum",
        "must be a finite number, got nan",
    ),
    (constraint(max_change={"name": "price"}), "constraints[0].max_change", "must say `absolute`"),
    (
        constraint(max_change={"name": "price", "relative": -0.1}),
        "constraints[0].max_change.relative",
        "must be 0 or more, got -0.1",
    ),
    (
        lambda made: (made.context.pop("week"), made.constraints.add(
            max_change=decision_pb2.MaxChange(name="week", absolute=1)
        )),
        "constraints[0].max_change.name",
        "the context has no value of 'week'",
    ),
    (limited("units"), "constraints[0].limit", "must set `at_least` or `at_most`"),
    (limited("units >", at_least=1), "constraints[0].limit.expression", "at character 8: expected"),
    (limited("units > 1", at_least=1), "constraints[0].limit.at_least", "the expression gives a"),
    (limited("plan"), "constraints[0].limit.expression", "must give a number or a bool"),
    (
        lambda made: [limited("units", at_least=1)(made) for _ in range(17)],
        "constraints",
        "must be at most 16, got 17",
    ),
    (
        lambda made: [
            constraint(name="same", bounds={"name": "price", "minimum": 1})(made) for _ in "ab"
        ],
        "constraints[1].name",
        "'same' is there twice",
    ),
    (lambda made: setattr(made, "coverage", 0.8), "coverage", "must be one of 0.5, 0.9"),
    (lambda made: setattr(made, "coverage", math.nan), "coverage", "must be one of 0.5, 0.9"),
    (lambda made: setattr(made, "coverage", -1), "coverage", "must be one of 0.5, 0.9"),
    (lambda made: setattr(made, "top", 10_001), "top", "must be at most 10,000, got 10001"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field", "expected"), WRONG, ids=[f"{i}-{w[1]}" for i, w in enumerate(WRONG)]
)
def test_a_wrong_request_names_its_field(
    shop: grpc.Channel, change: Change, field: str, expected: str
) -> None:
    """INVALID_ARGUMENT with the field and what was expected there."""
    made = request(1.0, 2.0)
    change(made)

    found, description = refused_field(shop, PATH, made)

    assert found == field
    assert expected in description


def test_expressions_that_cost_too_much_are_refused(shop: grpc.Channel) -> None:
    """The bound is on all of them together, by the number of candidates."""
    made = request(objective=decision_pb2.Objective(expression="units"))
    ranged(first=1, last=2, steps=10_000)(made)
    for _ in range(3):
        limited(" + ".join(["units"] * 80), at_least=1)(made)

    field, expected = refused_field(shop, PATH, made)

    assert field == "constraints"
    assert "all expressions together must cost at most 399, got 484" in expected


def test_a_request_that_is_too_large_is_refused(shop: grpc.Channel) -> None:
    """Like every message that is too large, with the limit, which is less than that of others."""
    made = request(1.0)
    made.parameters["text"].text = "x" * REQUEST_BYTES_MAX
    found = refused(shop, PATH, made)
    assert (found.code, found.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert "the limit is 1048576" in found.message


def test_a_reply_that_would_be_too_large_is_refused(shop: grpc.Channel) -> None:
    """Before the run, with what to ask for instead."""
    made = request(top=10_000, curve=True, objective=decision_pb2.Objective(expression="units"))
    parameter(made, note="a")
    made.grid.axes.add(name="note").texts.values.append("x" * 256)
    made.grid.axes.add(name="price", range=decision_pb2.Range(first=1, last=2, steps=10_000))
    field, expected = refused_field(shop, PATH, made)
    assert field == "curve"
    assert "the limit is 4,000,000" in expected
    made.curve, made.top = False, 10
    assert decide(shop, made).ranked.changes[0].strings[0] == "x" * 256


def test_an_unknown_model_and_other_bytes_are_refused(shop: grpc.Channel) -> None:
    """As for every method."""
    found = refused(shop, PATH, request(1.0, model="shopp"))
    assert (found.code, found.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    found = refused(shop, PATH, b"\xff\xff\xff")
    assert (found.code, found.reason) == (Code.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
