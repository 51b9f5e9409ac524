"""Decide: requests become rows and a wish, outputs become a ranked answer."""

import math

import numpy as np
import pytest

from stubtail.endpoints.lane_method import LaneMethod
from stubtail.v1 import decision_pb2, scoring_pb2
from tests.unit.endpoints.decided import (
    CONTEXT,
    decide_method,
    decided,
    request,
    values,
)

MAXIMISE, MINIMISE = decision_pb2.DIRECTION_MAXIMISE, decision_pb2.DIRECTION_MINIMISE


@pytest.fixture
def method() -> LaneMethod:
    """Decide over the models of `decided`."""
    return decide_method()


def limit(expression: str, **limits: float) -> decision_pb2.Constraint:
    """A limit on an expression."""
    return decision_pb2.Constraint(limit=decision_pb2.Limit(expression=expression, **limits))


def test_the_best_price_for_profit(method: LaneMethod) -> None:
    """(p - 1)(10 - 2p) at 1, 2, 3 and 4, with what is predicted and what changes."""
    reply = decided(method, request(1.0, 2.0, 3.0, 4.0, top=3))

    assert (reply.model, reply.version, reply.feasible) == ("shop", "1", True)
    assert (reply.candidate_count, reply.feasible_count) == (4, 4)
    assert list(reply.ranked.positions) == [2, 1, 3]
    assert list(reply.ranked.objective) == [8.0, 6.0, 6.0]
    assert list(reply.ranked.predicted) == [4.0, 6.0, 2.0]
    assert [(c.name, list(c.numbers)) for c in reply.ranked.changes] == [("price", [3, 2, 4])]
    assert [(o.name, np.round(o.numbers, 6).tolist()) for o in reply.ranked.outputs] == [
        ("days", [0.003, 0.002, 0.004])
    ]
    assert list(reply.baseline.positions) == []
    assert list(reply.baseline.objective) == [6.0]
    assert list(reply.baseline.changes[0].numbers) == [2.0]
    assert not reply.ranked.lower
    assert not reply.HasField("nearest")
    assert not reply.HasField("curve")
    assert not reply.HasField("excluded")
    assert not reply.warnings


def test_bounds_come_with_coverage(method: LaneMethod) -> None:
    """And expressions may use them."""
    reply = decided(
        method, request(1.0, 4.5, objective="lower + 0 * upper.units", coverage=0.9, curve=True)
    )

    assert list(reply.curve.predicted) == [8.0, 1.0]
    assert list(reply.curve.lower) == [6.0, 0.0]
    assert list(reply.curve.upper) == [9.0, 2.0]
    assert list(reply.curve.objective) == [6.0, 0.0]
    assert list(reply.curve.feasible) == [True, True]
    assert list(reply.baseline.lower) == [4.0]


def test_the_main_output_is_called_score_too(method: LaneMethod) -> None:
    """By its own name, by `score`, and in the context."""
    text = "score - units + context.score - context.units + output.score - output.units"
    assert list(decided(method, request(1.0, objective=text)).ranked.objective) == [0.0]
    text = "context.score + score + days * 0"
    assert list(decided(method, request(1.0, objective=text)).ranked.objective) == [14.0]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (decision_pb2.Objective(revenue=decision_pb2.Revenue(price="price")), [2, 3, 1]),
        (decision_pb2.Objective(profit=decision_pb2.Profit(price="price", cost="cost")), [3, 2, 1]),
        (
            decision_pb2.Objective(
                direction=MINIMISE, profit=decision_pb2.Profit(price="price", cost="cost")
            ),
            [1, 2, 3],
        ),
        (
            decision_pb2.Objective(
                value_at_risk=decision_pb2.ValueAtRisk(value="cost", cost="price", outcome="units")
            ),
            [3, 2, 1],
        ),
        (
            decision_pb2.Objective(value_at_risk=decision_pb2.ValueAtRisk(value="cost")),
            [3, 2, 1],
        ),
        (
            decision_pb2.Objective(
                direction=MAXIMISE, value_at_risk=decision_pb2.ValueAtRisk(value="cost")
            ),
            [1, 2, 3],
        ),
        (
            decision_pb2.Objective(revenue=decision_pb2.Revenue(price="price", outcome="days")),
            [3, 2, 1],
        ),
    ],
)
def test_named_objectives(
    method: LaneMethod, objective: decision_pb2.Objective, expected: list[float]
) -> None:
    """Revenue and profit are maximised, what is at risk is minimised, unless told otherwise."""
    made = request(1.0, 2.0, 3.0)
    made.objective.CopyFrom(objective)
    assert list(decided(method, made).ranked.changes[0].numbers) == expected


def test_a_pessimist_takes_the_worse_bound(method: LaneMethod) -> None:
    """The lower one of what is sold, the upper one of what is lost."""
    made = request(1.0, coverage=0.9)
    made.objective.CopyFrom(
        decision_pb2.Objective(pessimistic=True, revenue=decision_pb2.Revenue(price="price"))
    )
    assert list(decided(method, made).ranked.objective) == [6.0]
    made.objective.CopyFrom(
        decision_pb2.Objective(
            pessimistic=True, value_at_risk=decision_pb2.ValueAtRisk(value="cost", cost="price")
        )
    )
    assert list(decided(method, made).ranked.objective) == [10.0]


def test_constraints_have_slack_and_exclude_with_a_reason(method: LaneMethod) -> None:
    """In counts, and one by one on request."""
    constraints = [
        limit("units", at_least=3.0),
        decision_pb2.Constraint(
            max_change=decision_pb2.MaxChange(name="price", relative=0.6), name="not too far"
        ),
        decision_pb2.Constraint(bounds=decision_pb2.Bounds(name="price", minimum=0.9)),
    ]
    prices = (0.1, 0.6, 0.8, 1.0, 2.0, 3.2, 4.0, 9.0)
    made = request(*prices, constraints=constraints, explain_excluded=True)

    reply = decided(method, made)

    assert list(reply.constraints) == ["units at least 3", "not too far", "price at least 0.9"]
    assert [(one.reason, one.count) for one in reply.exclusions] == [
        ("outside the range of training", 2),
        ("not too far", 2),
        ("price at least 0.9", 1),
    ]
    assert list(reply.excluded.positions) == [0, 1, 2, 6, 7]
    assert list(reply.excluded.exclusions) == [0, 1, 2, 1, 0]
    assert list(reply.ranked.positions) == [5, 4, 3]
    slacks = [np.round(slack.values, 6).tolist() for slack in reply.ranked.slacks]
    assert slacks == [[0.6, 3.0, 5.0], [0.0, 1.2, 0.2], [2.3, 1.1, 0.1]]
    assert reply.feasible_count == 3


def test_the_curve_has_every_candidate_with_the_same_verdicts(method: LaneMethod) -> None:
    """Also those that constraints on features exclude."""
    constraints = [limit("price", at_most=3.0), limit("units", at_least=5.0)]
    made = request(1.0, 2.0, 3.0, 4.0, constraints=constraints, curve=True, explain_excluded=True)

    reply = decided(method, made)

    assert list(reply.curve.positions) == [0, 1, 2, 3]
    assert list(reply.curve.predicted) == [8.0, 6.0, 4.0, 2.0]
    assert list(reply.curve.feasible) == [True, True, False, False]
    assert list(reply.excluded.positions) == [2, 3]
    assert [one.reason for one in reply.exclusions] == ["price at most 3", "units at least 5"]


def test_nothing_feasible_is_an_answer(method: LaneMethod) -> None:
    """With the nearest candidate, and what it violates in words."""
    made = request(3.0, 4.0, constraints=[limit("units", at_least=5.0, at_most=6.0)])
    made.constraints.add(name="wish").limit.expression = 'plan == "plus"'

    reply = decided(method, made)

    assert (reply.feasible, reply.feasible_count, reply.candidate_count) == (False, 0, 2)
    assert not reply.HasField("ranked")
    assert [(one.constraint, one.slack, one.reason) for one in reply.violations] == [
        ("units from 5 to 6", -1.0, "units must be from 5 to 6 and is 4"),
        ("wish", -1.0, 'plan == "plus" must be true'),
    ]
    assert list(reply.nearest.positions) == [0]
    assert list(reply.nearest.predicted) == [4.0]
    assert [(one.reason, one.count) for one in reply.exclusions] == [("wish", 2)]


def test_beyond_the_range_of_training_only_if_allowed(method: LaneMethod) -> None:
    """A clipped feature is never beyond it; the context may be."""
    made = request(9.0, 2.0)
    reply = decided(method, made)
    assert [(one.reason, one.count) for one in reply.exclusions] == [
        ("outside the range of training", 1)
    ]
    made.allow_outside_range = True
    assert decided(method, made).feasible_count == 2

    made = request(9.5, 9.0, context=values(CONTEXT | {"price": 9.0}))
    reply = decided(method, made)
    assert list(reply.ranked.positions) == [1]
    alone = decided(method, request(9.5))
    assert alone.violations[0].constraint == ""
    assert alone.violations[0].reason == (
        "price, by the range of training, must be from 0.5 to 8 and is 9.5"
    )

    made = request(allow_outside_range=True)
    made.grid.axes.add(name="age").numbers.values.extend([91.0, 20.0])
    assert list(decided(method, made).ranked.positions) == [1]


def test_a_list_of_candidates_with_strings_and_parameters(method: LaneMethod) -> None:
    """Each changes what it names; NaN and the empty string leave the context's value."""
    made = request(objective="units - cost")
    made.list.columns.add(name="plan", strings=["plus", "", "plus"])
    made.list.columns.add(name="cost", numbers=[9.0, math.nan, 1.5])
    made.list.columns.add(name="price", numbers=[2.0, 1.0, math.nan])

    reply = decided(method, made)

    assert list(reply.ranked.positions) == [2, 1, 0]
    assert list(reply.ranked.objective) == [7.5, 7.0, 0.0]
    plan, cost, price = reply.ranked.changes
    assert list(plan.strings) == ["plus", "basic", "plus"]
    assert list(cost.numbers) == [1.5, 1.0, 9.0]
    assert list(price.numbers) == [2.0, 1.0, 2.0]
    plan, cost, price = reply.baseline.changes
    assert (plan.strings[0], cost.numbers[0], price.numbers[0]) == ("basic", 1.0, 2.0)


def test_what_the_manifest_puts_in_the_place_of_values_is_told(method: LaneMethod) -> None:
    """Missing values, unknown categories, clipped numbers; expressions see what the model sees."""
    context = CONTEXT | {"colour": "green", "age": 200.0, "bonus": None}
    made = request(
        2.0, context=values(context), objective='colour == "blue" && bonus != bonus ? age : -1'
    )

    reply = decided(method, made)

    assert list(reply.ranked.objective) == [90.0]
    assert [(one.feature, one.kind, one.count, list(one.rows)) for one in reply.warnings] == [
        ("colour", scoring_pb2.WARNING_KIND_UNKNOWN_DEFAULTED, 1, [0]),
        ("age", scoring_pb2.WARNING_KIND_CLIPPED, 1, [0]),
    ]
    made = request(2.0, context=values(CONTEXT | {"colour": None, "age": None}), objective="age")
    reply = decided(method, made)
    assert list(reply.ranked.objective) == [40.0]
    assert {one.kind for one in reply.warnings} == {scoring_pb2.WARNING_KIND_MISSING_DEFAULTED}


def test_a_model_that_answers_nan_excludes(method: LaneMethod) -> None:
    """Whatever the reason of a NaN, such a candidate is not recommended."""
    reply = decided(method, request(1.0, 2.0, objective="log(price - 1)"))
    assert list(reply.ranked.positions) == [1]
    assert [(one.reason, one.count) for one in reply.exclusions] == [("objective is not finite", 1)]
